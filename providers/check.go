package providers

import (
	"context"

	"recon/inventory"
)

// A Checker can say of itself what works, what does not, and what that costs. It asks
// more than a Read does, also of what is declared there, and changes nothing.
type Checker interface {
	Check(ctx context.Context, declared []inventory.Resource) []inventory.Ability
}
