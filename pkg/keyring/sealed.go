package keyring

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// Column is where a service keeps values that [Ring.Seal] has made.
type Column struct {
	Table, Name string
	// Bound are the columns that Opens needs, as text.
	Bound []string
	// Opens is the purpose of a row's value, and what it was sealed with. The
	// table has an id. Nil: the values do not last, or look after themselves.
	Opens func(bound []string) (purpose string, aad []byte)
}

// Use tells how many values of a table a root key has sealed.
type Use struct {
	Table string `json:"table"`
	// Root is an id that tells nothing about the key, in hexadecimal digits.
	Root string `json:"root"`
	// Position is the key's in the ring, from 1; 0 if it is not there.
	Position int   `json:"position"`
	Values   int64 `json:"values"`
}

// IDs are the ids of the root keys, as in [Use], in the order of the ring.
func (r *Ring) IDs() []string {
	var ids []string
	for _, root := range r.roots {
		ids = append(ids, hex.EncodeToString(root.id[:]))
	}
	return ids
}

// Uses counts the values in the columns by root key. It reads whole tables.
func (r *Ring) Uses(ctx context.Context, q db.Queryer, columns ...Column) ([]Use, error) {
	var uses []Use
	for _, c := range columns {
		// A sealed value begins with a byte of version and the id of the root.
		rows, err := q.Query(ctx, fmt.Sprintf(`SELECT substr(%s, 2, %d), COUNT(*) FROM %s WHERE %s IS NOT NULL GROUP BY 1 ORDER BY 1`,
			c.Name, rootIDSize, c.Table, c.Name))
		if err != nil {
			return nil, fmt.Errorf("keyring: count in %s: %w", c.Table, err)
		}
		found, err := r.scanUses(rows, c.Table)
		if err != nil {
			return nil, fmt.Errorf("keyring: count in %s: %w", c.Table, err)
		}
		uses = append(uses, found...)
	}
	return uses, nil
}

func (r *Ring) scanUses(rows *db.Rows, table string) (uses []Use, err error) {
	defer func() { _ = rows.Close() }()
	ids := r.IDs()
	for rows.Next() {
		var id []byte
		u := Use{Table: table}
		if err := rows.Scan(&id, &u.Values); err != nil {
			return nil, err
		}
		u.Root = hex.EncodeToString(id)
		u.Position = slices.Index(ids, u.Root) + 1
		uses = append(uses, u)
	}
	return uses, rows.Err()
}

// resealBatch is how many rows are read at a time.
const resealBatch = 500

// Reseal seals again, under the current root, what older roots have sealed. What
// no root in the ring opens is left as it is: [Ring.Uses] shows it. It may run
// beside services, and again when it was interrupted.
func (r *Ring) Reseal(ctx context.Context, d *db.DB, columns ...Column) (values int64, err error) {
	for _, c := range columns {
		for after := int64(-1); c.Opens != nil; {
			rows, err := r.stale(ctx, d, c, after)
			if err != nil {
				return values, fmt.Errorf("keyring: seal %s again: %w", c.Table, err)
			}
			for _, row := range rows {
				done, err := r.resealRow(ctx, d, c, row)
				if err != nil {
					return values, fmt.Errorf("keyring: seal %s %d again: %w", c.Table, row.id, err)
				}
				values += done
			}
			if len(rows) < resealBatch {
				break
			}
			after = rows[len(rows)-1].id
		}
	}
	return values, nil
}

type sealedRow struct {
	id     int64
	sealed []byte
	bound  []string
}

func (r *Ring) stale(ctx context.Context, d *db.DB, c Column, after int64) (found []sealedRow, err error) {
	var bound strings.Builder
	for _, name := range c.Bound {
		bound.WriteString(", CAST(" + name + " AS TEXT)")
	}
	rows, err := d.Query(ctx, fmt.Sprintf(`SELECT id, %s%s FROM %s WHERE id > $1 AND substr(%s, 2, %d) <> $2 ORDER BY id LIMIT %d`,
		c.Name, bound.String(), c.Table, c.Name, rootIDSize, resealBatch), after, r.roots[0].id[:])
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		row := sealedRow{bound: make([]string, len(c.Bound))}
		into := []any{&row.id, &row.sealed}
		for i := range row.bound {
			into = append(into, &row.bound[i])
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		found = append(found, row)
	}
	return found, rows.Err()
}

func (r *Ring) resealRow(ctx context.Context, d *db.DB, c Column, row sealedRow) (int64, error) {
	purpose, aad := c.Opens(row.bound)
	plain, err := r.Open(purpose, row.sealed, aad)
	if errors.Is(err, ErrUnknownRoot) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	fresh, err := r.Seal(purpose, plain, aad)
	if err != nil {
		return 0, err
	}
	// Unless it has changed meanwhile: then it is sealed afresh already.
	return d.Exec(ctx, fmt.Sprintf(`UPDATE %s SET %s = $1 WHERE id = $2 AND %s = $3`, c.Table, c.Name, c.Name), fresh, row.id, row.sealed)
}
