#!/bin/sh
# Makes what nobody else may know when the installation first starts, and gives every container its
# part, in a volume of its own below /for. Later it changes nothing but renewed certificates.
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

# give CONTAINER FILE: standard input becomes the file, readable by the container alone, as nobody
# else has the volume. It is never there by half.
give() {
  cat > "/for/$1/.$2"
  chmod 444 "/for/$1/.$2"
  mv "/for/$1/.$2" "/for/$1/$2"
}

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
