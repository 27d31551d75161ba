# One image for web, worker and every management command. Nothing in it is written to at run time
# except /app/var and /tmp, so it runs with a read-only root.
FROM python:3.11-slim-trixie AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# python-ldap comes as source.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev libldap-dev \
    libsasl2-dev && rm -rf /var/lib/apt/lists/* && python -m venv /opt/venv
# Installed before the code is copied, so that a code change does not reinstall everything.
COPY requirements.txt requirements-speech.txt requirements-otel.txt requirements-ldap.txt /tmp/
RUN /opt/venv/bin/pip install -r /tmp/requirements.txt -r /tmp/requirements-speech.txt \
    -r /tmp/requirements-otel.txt -r /tmp/requirements-ldap.txt \
    && /opt/venv/bin/python -m pip uninstall -y setuptools pip

FROM python:3.11-slim-trixie
# pg_dump, pg_restore and psql, for `manage.py backup` and `restore`. libldap, which python-ldap
# needs, comes with them; libldap-common tells it where the certificates of the system are.
# Nothing is installed at run time, so there is no pip either, whose faults scanners report.
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client libldap-common \
    && rm -rf /var/lib/apt/lists/* \
    && python -m pip uninstall -y wheel setuptools pip \
    && useradd --uid 10001 --no-create-home --home-dir /app callcenter
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PROFILE=production
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY . .
RUN SECRET_KEY=only-for-this-step ALLOWED_HOSTS=localhost python manage.py collectstatic --noinput \
    && python -m compileall -q /app /opt/venv \
    && install -d -o callcenter -m 0750 var
USER 10001
EXPOSE 8000
VOLUME /app/var

CMD ["python", "manage.py", "web", "--host", "0.0.0.0"]
