#!/bin/sh
# A user and a database for each service, which the others cannot enter. PostgreSQL's
# image runs it once, when it makes its data folder.
set -eu
for service in accounts sessions mail oauth; do
  psql -v ON_ERROR_STOP=1 -v "name=$service" -v "password=$(cat "/run/secrets/postgres/$service")" -U postgres -d postgres <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
