#!/bin/sh
# Gives every service a token with which it can register itself, and find the others.
set -eu
CONSUL_HTTP_TOKEN=$(cat /secrets/management)
export CONSUL_HTTP_TOKEN

for service in gateway accounts sessions mail oauth; do
  token=$(cat "/secrets/$service")
  if CONSUL_HTTP_TOKEN=$token consul acl token read -self > /dev/null 2>&1; then
    continue
  fi
  consul acl token create -secret="$token" -service-identity="$service" -description="$service" > /dev/null
  echo "made a token for $service"
done
