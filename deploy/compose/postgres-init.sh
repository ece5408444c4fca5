#!/bin/bash
# Runs once, on an empty server: each service gets a role, and a schema of its own that no other
# service's role can look into. The operator's command line works on all of them.
set -euo pipefail

sql() { psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" "$@"; }

sql <<< 'REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC; CREATE ROLE operator LOGIN; GRANT CONNECT ON DATABASE :"DBNAME" TO operator;'
for service in accounts sessions mail oauth; do
  sql --set service="$service" <<'SQL'
CREATE ROLE :"service" LOGIN;
GRANT CONNECT ON DATABASE :"DBNAME" TO :"service";
CREATE SCHEMA :"service" AUTHORIZATION :"service";
GRANT :"service" TO operator;
SQL
done
for role in accounts sessions mail oauth operator; do
  # By standard input: a command line can be seen by others.
  sql <<< "ALTER ROLE $role PASSWORD '$(cat "/secrets/$role")';"
done
