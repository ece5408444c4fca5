#!/bin/sh
# Makes what nobody else may know when the installation first starts, and gives every container its
# part, in a volume of its own below /for. Later it changes nothing but renewed certificates, and, as
# one of these words wants, the list of root keys:
#
#   docker compose run --rm secrets root-key add|use|drop
set -eu
umask 077

# secret NAME COMMAND...: what the command said the first time.
secret() {
  name=$1
  shift
  if ! [ -s "/secrets/$name" ]; then
    "$@" > "/secrets/.$name"
    mv "/secrets/.$name" "/secrets/$name"
  fi
  cat "/secrets/$name"
}
word() { od -An -tx1 -N24 /dev/urandom | tr -d ' \n'; }
key() { head -c 32 /dev/urandom | base64; }
uuid() { cat /proc/sys/kernel/random/uuid; }

fail() { echo "secrets: $*" >&2; exit 2; }

# root_keys STEP: a second key is added, comes to the front, or remains. They are in base64: no key has
# a comma.
root_keys() {
  keys=$(secret root-key key)
  first=${keys%%,*}
  second=${keys#"$first"}
  second=${second#,}
  case "$1${second:+ with two}" in
    add) keys=$first,$(key) ;;
    "use with two") keys=$second,$first ;;
    "drop with two") keys=$first ;;
    "add with two") fail "there are two root keys: use the new one, then drop the old one" ;;
    use | drop) fail "there is one root key: add another one first" ;;
    *) fail "root-key add, use or drop" ;;
  esac
  echo "$keys" > /secrets/.root-key
  mv /secrets/.root-key /secrets/root-key
  echo "now restart accounts, sessions, mail and oauth"
}

# give CONTAINER FILE: standard input becomes the file, readable by the container alone, as nobody
# else has the volume. It is never there by half.
give() {
  cat > "/for/$1/.$2"
  chmod 444 "/for/$1/.$2"
  mv "/for/$1/.$2" "/for/$1/$2"
}

case "${1:-}" in
  "") ;;
  root-key) root_keys "${2:-}" ;;
  *) fail "root-key is all that can be said" ;;
esac

root_key=$(secret root-key key)
redis_password=$(secret redis-password word)

database_url() { echo "postgres://$1:$(secret "database-$1" word)@postgres:5432/gatehouse?sslmode=disable"; }

for service in accounts sessions mail oauth; do
  echo "$root_key" | give $service root-key
  database_url $service | give $service database-url
  secret "database-$service" word | give postgres $service
done
for service in gateway accounts sessions mail oauth; do
  secret "consul-$service" uuid | give $service consul-token
  secret "consul-$service" uuid | give consul $service
  for file in tls.crt tls.key ca.crt; do
    give $service $file < "/certs/$service/$file"
  done
done
for service in gateway sessions; do
  echo "redis://:$redis_password@valkey:6379/0" | give $service redis-url
done

echo "$root_key" | give cli root-key
database_url operator | give cli database-url
secret database-operator word | give postgres operator
secret database-superuser word | give postgres superuser

management=$(secret consul-management uuid)
echo "$management" | give consul management
printf '{"acl": {"enabled": true, "default_policy": "deny", "tokens": {"initial_management": "%s", "agent": "%s"}}}\n' \
  "$management" "$management" | give consul acl.json

echo "requirepass $redis_password" | give valkey valkey.conf
secret grafana-admin word | give grafana admin-password
for folder in /for/*; do chmod 755 "$folder"; done
