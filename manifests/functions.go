package manifests

import (
	"fmt"
	"io/fs"
	"net"
	"path"
	"path/filepath"
	"strings"

	"github.com/apparentlymart/go-cidr/cidr"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

type functionTable = map[string]function.Function

// functions returns everything that can be called in a manifest: the standard
// functions of cty under the names that Terraform gave them, and recon's own.
func functions(fsys fs.FS, opts Options) functionTable {
	t := functionTable{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "chomp": stdlib.ChompFunc, "chunklist": stdlib.ChunklistFunc,
		"coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc,
		"contains": stdlib.ContainsFunc, "csvdecode": stdlib.CSVDecodeFunc, "distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc,
		"flatten": stdlib.FlattenFunc, "floor": stdlib.FloorFunc, "format": stdlib.FormatFunc, "formatdate": stdlib.FormatDateFunc,
		"formatlist": stdlib.FormatListFunc, "indent": stdlib.IndentFunc, "join": stdlib.JoinFunc, "jsondecode": stdlib.JSONDecodeFunc,
		"jsonencode": stdlib.JSONEncodeFunc, "keys": stdlib.KeysFunc, "length": stdlib.LengthFunc, "log": stdlib.LogFunc,
		"lookup": stdlib.LookupFunc, "lower": stdlib.LowerFunc, "max": stdlib.MaxFunc, "merge": stdlib.MergeFunc,
		"min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "pow": stdlib.PowFunc, "range": stdlib.RangeFunc,
		"regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc, "regexreplace": stdlib.RegexReplaceFunc, "replace": stdlib.ReplaceFunc,
		"reverse": stdlib.ReverseListFunc, "setintersection": stdlib.SetIntersectionFunc, "setproduct": stdlib.SetProductFunc,
		"setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc, "signum": stdlib.SignumFunc, "slice": stdlib.SliceFunc,
		"sort": stdlib.SortFunc, "split": stdlib.SplitFunc, "strlen": stdlib.StrlenFunc, "strrev": stdlib.ReverseFunc,
		"substr": stdlib.SubstrFunc, "timeadd": stdlib.TimeAddFunc, "title": stdlib.TitleFunc, "trim": stdlib.TrimFunc,
		"trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc,
		"upper": stdlib.UpperFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,

		"tostring": stdlib.MakeToFunc(cty.String), "tonumber": stdlib.MakeToFunc(cty.Number), "tobool": stdlib.MakeToFunc(cty.Bool),
		"tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), "toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
		"tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),

		"try": tryfunc.TryFunc, "can": tryfunc.CanFunc,
	}
	t["env"] = textFunc(func(name string) (string, error) { return lookupEnv(opts, name) }, "name")
	t["file"] = textFunc(once(func(name string) (string, error) { return readFile(fsys, opts, name) }), "path")
	t["cidrhost"] = cidrHostFunc()
	t["cidrsubnet"] = cidrSubnetFunc()
	return t
}

// once remembers what was read: a file may be a pipe, and is evaluated twice when a
// cluster's token is in it.
func once(read func(string) (string, error)) func(string) (string, error) {
	known := map[string]string{}
	return func(name string) (string, error) {
		text, ok := known[name]
		if ok {
			return text, nil
		}
		text, err := read(name)
		if err == nil {
			known[name] = text
		}
		return text, err
	}
}

// textFunc makes a function from one string to another.
func textFunc(do func(string) (string, error), param string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: param, Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			s, err := do(args[0].AsString())
			return cty.StringVal(s), err
		},
	})
}

func lookupEnv(opts Options, name string) (string, error) {
	if opts.Env != nil {
		if v, ok := opts.Env(name); ok {
			return v, nil
		}
	}
	hint := ""
	if name == "PVE_TOKEN" {
		hint = "; export PVE_TOKEN='USER@REALM!NAME=UUID', as pveum user token add printed it (recon init shows the commands)"
	}
	return "", fmt.Errorf("the environment variable %s is not set%s", name, hint)
}

// readFile reads a file of the project, or one outside it by absolute path: that
// is where people keep their tokens.
func readFile(fsys fs.FS, opts Options, name string) (string, error) {
	if filepath.IsAbs(name) || strings.HasPrefix(name, "~/") {
		if opts.ReadFile == nil {
			return "", fmt.Errorf("%s lies outside the project", name)
		}
		b, err := opts.ReadFile(name)
		return string(b), err
	}
	b, err := fs.ReadFile(fsys, path.Clean(filepath.ToSlash(name)))
	if err != nil {
		return "", err
	}
	return string(b), nil
}

func cidrHostFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "prefix", Type: cty.String}, {Name: "hostnum", Type: cty.Number}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			_, network, err := net.ParseCIDR(args[0].AsString())
			if err != nil {
				return cty.NullVal(cty.String), function.NewArgErrorf(0, "invalid CIDR: %s", err)
			}
			num, _ := args[1].AsBigFloat().Int(nil)
			ip, err := cidr.HostBig(network, num)
			if err != nil {
				return cty.NullVal(cty.String), function.NewArgError(1, err)
			}
			return cty.StringVal(ip.String()), nil
		},
	})
}

func cidrSubnetFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "prefix", Type: cty.String}, {Name: "newbits", Type: cty.Number}, {Name: "netnum", Type: cty.Number}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			_, network, err := net.ParseCIDR(args[0].AsString())
			if err != nil {
				return cty.NullVal(cty.String), function.NewArgErrorf(0, "invalid CIDR: %s", err)
			}
			bits, _ := args[1].AsBigFloat().Int64()
			num, _ := args[2].AsBigFloat().Int(nil)
			subnet, err := cidr.SubnetBig(network, int(bits), num)
			if err != nil {
				return cty.NullVal(cty.String), function.NewArgError(1, err)
			}
			return cty.StringVal(subnet.String()), nil
		},
	})
}

// toType converts a value the way an argument of that type is read.
func toType(v cty.Value, t cty.Type) (cty.Value, error) { return convert.Convert(v, t) }
