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

# keep NAME: standard input becomes the secret, and is on the disk before anything follows from it.
keep() {
  cat > "/secrets/.$1"
  sync
  mv "/secrets/.$1" "/secrets/$1"
  sync
}

# list FILE: the root keys in it, with commas, as people may have written them; none without the file.
list() {
  [ -e "$1" ] || return 0
  found=$(tr -s ' \t\r\n' , < "$1")
  found=${found#,}
  echo "${found%,}"
}

# whole LIST: it has root keys, none of them by half.
whole() { echo "$1" | grep -Eqx '[A-Za-z0-9+/_-]{43}=?(,[A-Za-z0-9+/_-]{43}=?)*'; }

new_key() {
  made=$(key)
  whole "$made" || fail "no root key could be made"
  echo "$made"
}

# recovered REST: the list of which no more than this is left, as the containers have it. Nothing else
# opens the data: a new key is for the first start alone, when nobody has one.
recovered() {
  copy=
  for container in accounts sessions mail oauth cli; do
    given=$(list "/for/$container/root-key")
    if [ -n "$copy" ] && [ -n "$given" ] && [ "$given" != "$copy" ]; then
      fail "/secrets/root-key is damaged, and its copies in /for/*/root-key differ: restore it"
    fi
    copy=${copy:-$given}
  done
  if [ -z "$1$copy" ]; then
    new_key
    return
  fi
  case $copy in
    "$1"*) whole "$copy" || fail "/secrets/root-key is damaged, and so are its copies in /for/*/root-key: restore it" ;;
    *) fail "/secrets/root-key is damaged, and no copy of it is in /for/*/root-key: restore it" ;;
  esac
  echo "secrets: /secrets/root-key was damaged: it is again what the services have" >&2
  echo "$copy"
}

# change LIST: it becomes that of the root keys. What it was is kept in root-key.before.
change() {
  echo "$root_keys" | keep root-key.before
  echo "$1" | keep root-key
  root_keys=$1
}

# rotate STEP: a second root key is added, comes to the front, or remains. A step that has been taken, or
# was interrupted, may be taken again. Which key is to go is in root-key.old from "add" to "drop", and
# then in root-key.dropped, until the next "add".
rotate() {
  first=${root_keys%%,*}
  second=${root_keys#"$first"}
  second=${second#,}
  old=$(list "/secrets/root-key.old")
  if [ -z "$second" ]; then
    stage="with one"
  elif [ "$old" = "$first" ]; then
    stage=added
  elif [ "$old" = "$second" ]; then
    stage=used
  else
    fail "there are two root keys, and which is the old one is not known: write that to /secrets/root-key.old"
  fi
  case "$1 $stage" in
    "add with one")
      echo "$first" | keep root-key.old
      rm -f "/secrets/root-key.dropped"
      second=$(new_key)
      change "$first,$second"
      ;;
    "use added") change "$second,$first" ;;
    "drop used")
      echo "$second" | keep root-key.dropped
      change "$first"
      rm "/secrets/root-key.old"
      ;;
    "add added" | "use used") ;;
    "drop with one")
      [ -s "/secrets/root-key.dropped" ] || fail "there is one root key: add another one first"
      rm -f "/secrets/root-key.old"
      ;;
    "use with one") fail "there is one root key: add another one first" ;;
    "add used") fail "there are two root keys: drop the old one first" ;;
    "drop added") fail "the old root key still seals: use the new one first" ;;
    *) fail "root-key add, use or drop" ;;
  esac
}

# give CONTAINER FILE: standard input becomes the file, readable by the container alone, as nobody
# else has the volume. It is never there by half.
give() {
  cat > "/for/$1/.$2"
  chmod 444 "/for/$1/.$2"
  mv "/for/$1/.$2" "/for/$1/$2"
}

case "${1:-}" in
  "" | root-key) ;;
  *) fail "root-key is all that can be said" ;;
esac

root_keys=$(list "/secrets/root-key")
if ! whole "$root_keys"; then
  root_keys=$(recovered "$root_keys")
  echo "$root_keys" | keep root-key
fi
if [ "${1:-}" = root-key ]; then rotate "${2:-}"; fi

redis_password=$(secret redis-password word)

database_url() { echo "postgres://$1:$(secret "database-$1" word)@postgres:5432/gatehouse?sslmode=disable"; }

for service in accounts sessions mail oauth; do
  echo "$root_keys" | give $service root-key
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

echo "$root_keys" | give cli root-key
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
if [ "${1:-}" = root-key ]; then echo "now restart accounts, sessions, mail and oauth"; fi
