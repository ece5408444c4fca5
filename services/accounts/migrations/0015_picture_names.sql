-- +goose Up

-- Everybody of a hub sees the hashes of its pictures, so that none is to be a name
-- by which all the world has the picture. Those that were made names of lose it,
-- and get one that nobody knows when it is first asked for.
UPDATE images SET public_name = NULL WHERE public_name = hash;
