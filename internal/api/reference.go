package api

func (a *API) referenceRoutes() {}
