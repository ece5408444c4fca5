#!/bin/sh
# Makes the secrets of the development overlay, in secrets/ beside it or in the folder
# that is named: a root key, passwords and addresses of the databases, and a
# certificate for each service. What is there already stays. Needs openssl.
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
cd "$folder"

[ -f root-key ] || openssl rand -base64 32 >root-key
[ -f postgres ] || openssl rand -hex 24 >postgres
# Valkey's password is read as a line of its settings.
[ -f valkey.conf ] || echo "requirepass $(openssl rand -hex 24)" >valkey.conf
[ -f redis ] || echo "redis://:$(cut -d' ' -f2 valkey.conf)@valkey:6379/0" >redis
[ -f ca.crt ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
  -subj /CN=gatehouse-dev-ca -keyout ca.key -out ca.crt 2>/dev/null

for service in accounts sessions mail oauth; do
  [ -f $service ] || openssl rand -hex 24 >$service
  [ -f $service-database ] ||
    echo "postgres://$service:$(cat $service)@postgres:5432/$service?sslmode=disable" >$service-database
done

for service in accounts sessions mail oauth gateway; do
  [ -f $service.crt ] && continue
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$service \
    -keyout $service.key -out $service.csr 2>/dev/null
  printf 'subjectAltName=DNS:%s.gatehouse.internal\nextendedKeyUsage=serverAuth,clientAuth\n' $service >$service.ext
  openssl x509 -req -in $service.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 \
    -extfile $service.ext -out $service.crt 2>/dev/null
  rm $service.csr $service.ext
done
