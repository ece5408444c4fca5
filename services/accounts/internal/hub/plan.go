package hub

import (
	"maps"
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// maxTrash is how long anything can be kept in the trash, in days.
const maxTrash = 3650

func checkPlan(r accounts.SetPlanRequest) error {
	var v fault.Violations
	if r.Type != nil && (*r.Type < accounts.HubRegular || *r.Type > accounts.HubInternal) {
		v.Add("type", "validation.one_of", "Values", "0, 1, 2")
	}
	if r.ExpirationTime != nil && r.NoExpiration {
		v.Add("expiration_time", "validation.one_of", "Values", "expiration_time, no_expiration")
	}
	for name := range r.Features {
		if !slices.Contains(store.PlanFeatures(), name) {
			v.Add("features", "validation.one_of", "Values", strings.Join(store.PlanFeatures(), ", "))
			break
		}
	}
	if r.Trash != nil && (*r.Trash < 0 || *r.Trash > maxTrash) {
		v.Add("trash", "validation.between", "Min", 0, "Max", maxTrash)
	}
	if err := v.Err(); err != nil {
		return err
	}
	if !ids.Valid(r.Hub) {
		return fault.New(fault.NotFound, "")
	}
	return nil
}

// planned is the hub's plan after the changes, and what they are about.
func planned(r accounts.SetPlanRequest, hub accounts.Hub) (store.Plan, []string) {
	p := store.Plan{Type: hub.Type, ExpirationTime: hub.ExpirationTime, Features: r.Features, Trash: r.Trash}
	fields := slices.Sorted(maps.Keys(r.Features))
	if r.Type != nil {
		p.Type = *r.Type
		fields = append(fields, "type")
	}
	if r.ExpirationTime != nil || r.NoExpiration {
		p.ExpirationTime = r.ExpirationTime
		fields = append(fields, "expiration_time")
	}
	if r.Trash != nil {
		fields = append(fields, "trash")
	}
	return p, fields
}
