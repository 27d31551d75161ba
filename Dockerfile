# One image for web, worker and every management command.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 DEBUG=false
WORKDIR /app

# Installed before the code is copied, so that a code change does not reinstall everything.
COPY requirements.txt requirements-speech.txt ./
RUN pip install -r requirements.txt -r requirements-speech.txt

COPY . .
RUN SECRET_KEY=only-for-this-step ALLOWED_HOSTS=localhost python manage.py collectstatic --noinput \
    && useradd --create-home callcenter \
    && install -d -o callcenter var
USER callcenter
EXPOSE 8000

CMD ["uvicorn", "callcenter.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--log-level", "warning", "--timeout-graceful-shutdown", "10", \
     "--ws", "supervisor.protocol:WebSocketProtocol"]
