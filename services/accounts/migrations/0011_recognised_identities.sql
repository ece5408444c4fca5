-- +goose Up

-- An identity that is somebody's because of a verified address alone (recognised)
-- counts for nobody who administers its hub, until they link it in person. Of
-- those from before nothing tells which they are.
ALTER TABLE identities ADD COLUMN recognised BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE identities SET recognised = TRUE WHERE hub_id IS NOT NULL AND NOT assigned;
