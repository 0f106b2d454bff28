package terraform

import "recon/inventory"

// Lines are the command lines of Terraform and OpenTofu that a plan shows.
func Lines() []inventory.Line {
	does := "has Terraform apply the plan that it made for one resource and what that needs: the change is Terraform's, and recon looks at the guest before and after"
	words := map[string]string{"-target": "the resource, as Terraform's code calls it", "DIRECTORY": "the folder of Terraform's code"}
	risks := []string{"Terraform writes the whole resource: what was changed outside of it is undone too", "where it cannot change something in place it removes the guest and makes a new one; the plan then says destroy"}
	undo := "write the former values into Terraform's code (Git has them), and run recon apply or terraform apply"
	return []inventory.Line{
		{Form: "terraform apply in DIRECTORY", Does: does, Words: words, Risks: risks, Undo: undo},
		{Form: "terraform apply", Does: does, Words: words, Risks: risks, Undo: undo},
	}
}
