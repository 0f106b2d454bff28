package pvesim

func firewallRoutes(*routeTable) {}
func backupRoutes(*routeTable)   {}
func mappingRoutes(*routeTable)  {}
