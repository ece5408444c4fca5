package rest

// resourceRoutes are the endpoints of what is around an authentication.
func (a *API) resourceRoutes() map[string]endpoint { return nil }
