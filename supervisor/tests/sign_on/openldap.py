"""A real OpenLDAP on loopback, with its own folder, certificates and entries."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from functools import cache
from io import StringIO
from ipaddress import ip_address

from benchmarks.rig.waiting import free_port, wait_until
from calls.tests.programs import installed

BASE = "dc=example,dc=com"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
ADMIN, READER = f"cn=admin,{BASE}", f"cn=reader,{BASE}"
SECRET = "a secret of the directory"
PASSWORD = "battery staple"
LOCKED_FOR_GOOD = "000001010000Z"
CONFIGURATION = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
TLSCACertificateFile {folder}/certificate.pem
TLSCertificateFile {folder}/certificate.pem
TLSCertificateKeyFile {folder}/key.pem
database mdb
suffix {base}
rootdn {admin}
rootpw "{secret}"
directory {folder}
maxsize 4194304
dbnosync
overlay ppolicy
ppolicy_default cn=policy,{base}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact={reader} read by * auth
"""
# Only the reader may search. Locks of accounts need a policy.
ENTRIES = """\
dn: {base}
objectClass: dcObject
objectClass: organization
dc: example
o: Acme

dn: cn=policy,{base}
objectClass: organizationalRole
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdLockout: TRUE

dn: {reader}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: {secret}

dn: {people}
objectClass: organizationalUnit
ou: people

dn: {groups}
objectClass: organizationalUnit
ou: groups
"""
PERSON = """
dn: uid={escaped},{people}
objectClass: inetOrgPerson
objectClass: posixAccount
uid: {uid}
cn: {first} {last}
givenName: {first}
sn: {last}
mail: {uid}@example.com
userPassword: {password}
uidNumber: 1
gidNumber: 7
homeDirectory: /
"""


def person(uid, first, last, escaped=""):
    return PERSON.format(
        uid=uid, escaped=escaped or uid, first=first, last=last, people=PEOPLE, password=PASSWORD
    )


def group(name, kind, attribute, *members, more=""):
    lines = "".join(f"{attribute}: {member}\n" for member in members)
    return f"\ndn: cn={name},{GROUPS}\nobjectClass: {kind}\ncn: {name}\n{more}{lines}"


def dn_of(uid):
    return f"uid={uid},{PEOPLE}"


def all_entries():
    names = {"base": BASE, "people": PEOPLE, "groups": GROUPS, "reader": READER, "secret": SECRET}
    return "".join(
        [
            ENTRIES.format(**names),
            person("ana", "Ana", "Li"),
            person("bo", "Bo", "Berg"),
            person("a+b", "Ada", "Byron", escaped="a\\+b"),
            group("leads", "groupOfNames", "member", dn_of("ana"), dn_of("a\\+b")),
            group("qa", "groupOfNames", "member", dn_of("bo")),
            group("ops", "groupOfNames", "member", f"cn=leads,{GROUPS}"),
            group("unique", "groupOfUniqueNames", "uniqueMember", dn_of("ana")),
            group("posix", "posixGroup", "memberUid", "ana", more="gidNumber: 9\n"),
        ]
    )


class OpenLdap:
    """A running slapd. Whoever logs in has PASSWORD."""

    def __init__(self, folder):
        self.folder, self.port, self.tls_port = folder, free_port(), free_port()
        self.address = f"ldap://127.0.0.1:{self.port}"
        self.tls_address = f"ldaps://127.0.0.1:{self.tls_port}"
        self.ca_file = str(folder / "certificate.pem")
        self._process = None

    def __enter__(self):
        certificate, key = certify()
        (self.folder / "certificate.pem").write_bytes(certificate)
        (self.folder / "key.pem").write_bytes(key)
        names = {"base": BASE, "admin": ADMIN, "reader": READER, "secret": SECRET}
        text = CONFIGURATION.format(folder=self.folder, **names)
        (self.folder / "slapd.conf").write_text(text)
        self._run("slapadd", "-q", stdin=all_entries())
        self.start()
        return self

    def __exit__(self, *_args):
        self.stop()

    def _run(self, program, *options, stdin=""):
        command = [installed(program), "-f", str(self.folder / "slapd.conf"), *options]
        subprocess.run(command, input=stdin, text=True, check=True, capture_output=True)

    def start(self):
        self._process = subprocess.Popen(
            [
                installed("slapd"),
                *("-f", str(self.folder / "slapd.conf")),
                *("-h", f"{self.address}/ {self.tls_address}/"),
                *("-d", "0"),  # or it would leave this process group
            ],
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers, what="slapd")

    def stop(self):
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None

    def _answers(self):
        import ldap

        assert self._process.poll() is None
        try:
            self._connect()
        except ldap.SERVER_DOWN:
            return False
        return True

    def _connect(self):
        import ldap

        connection = ldap.initialize(self.address)
        connection.simple_bind_s(ADMIN, SECRET)
        return connection

    def change(self, dn, **attributes):
        """Replace the values of attributes; none removes them all."""
        import ldap

        changes = [
            (ldap.MOD_REPLACE, name, [value.encode() for value in values] or None)
            for name, values in attributes.items()
        ]
        self._connect().modify_s(dn, changes)

    def rename(self, dn, new_rdn):
        self._connect().rename_s(dn, new_rdn)

    def add(self, text):
        """Add entries of an LDIF to the running server."""
        import ldif

        parser = ldif.LDIFRecordList(StringIO(text))
        parser.parse()
        for dn, attributes in parser.all_records:
            self._connect().add_s(dn, list(attributes.items()))


@cache
def certify():
    """Return a certificate for 127.0.0.1 that is its own authority, and its key, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
