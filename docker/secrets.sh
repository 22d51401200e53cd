#!/bin/sh
# Passwords, certificates and Redis' users for compose.hardened.yaml, made anew into docker/secrets (needs openssl).
# Names beside localhost that clients have for the nodes: sh docker/secrets.sh api.example.com
#
# The folder is its owner's alone. The files in it can be read by all, since the containers' users have other numbers.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
if [ -e "$here/secrets" ]; then
    echo "docker/secrets is there: move it away first, and start all services anew afterwards" >&2
    exit 2
fi
umask 077
folder=$(mktemp -d "$here/.secrets-XXXXXX")
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# sign NAME SUBJECT-ALTERNATIVE-NAMES
sign() {
    openssl req -new -newkey rsa:3072 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>/dev/null
    {
        echo "basicConstraints=critical,CA:FALSE"
        echo "keyUsage=critical,digitalSignature,keyEncipherment"
        echo "extendedKeyUsage=serverAuth"
        echo "subjectKeyIdentifier=hash"
        echo "authorityKeyIdentifier=keyid"
        echo "subjectAltName=$2"
    } >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 825 -extfile "$1.ext" \
        -out "$1.crt" 2>/dev/null
    rm "$1.csr" "$1.ext"
}

cat >ca.cnf <<END
[req]
distinguished_name = name
x509_extensions = authority
prompt = no
[name]
CN = operator-ratelimiter, made by docker/secrets.sh
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
END
openssl req -x509 -newkey rsa:3072 -nodes -days 3650 -config ca.cnf -keyout ca.key -out ca.crt 2>/dev/null
names="DNS:localhost,IP:127.0.0.1,DNS:node-1,DNS:node-2,DNS:node-3"
for name; do
    names="$names,DNS:$name"
done
sign gateway "$names"
sign redis "DNS:redis,DNS:localhost,IP:127.0.0.1"
rm -f ca.cnf ca.srl

digest() {
    printf %s "$1" | openssl dgst -sha256 | sed 's/.*= *//'
}

admin=$(openssl rand -hex 24)
gateway=$(openssl rand -hex 24)
subject=$(openssl rand -hex 24)
sed -e "/^user gateway /s/\$/ #$(digest "$gateway")/" -e "/^user subject /s/\$/ #$(digest "$subject")/" \
    ../users.acl >users.acl
echo "user health on nopass resetkeys resetchannels -@all +ping" >>users.acl
echo "user admin on #$(digest "$admin") ~* &* +@all" >>users.acl
echo "$admin" >redis-admin-password
options="ssl_ca_certs=/run/secrets/ca.crt"
echo "rediss://gateway:$gateway@redis:6379/0?$options" >gateway-redis-url
echo "rediss://subject:$subject@redis:6379/0?$options" >subject-redis-url
openssl rand -hex 32 >identity-secret
openssl rand -hex 16 >subject-token

chmod 644 ./*
chmod 600 ca.key redis-admin-password
cd "$here"
mv "$folder" secrets
trap - EXIT
echo "docker/secrets: made. Keep it out of backups that others read, and out of the repository."
