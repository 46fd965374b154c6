// Runs a Lua script as Argo CD does: with the interpreter that it uses, the object as the global "obj", and the returned
// table printed as JSON. Usage: argocd-lua SCRIPT < OBJECT.json
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	lua "github.com/yuin/gopher-lua"
	luajson "layeh.com/gopher-json"
)

func run(script string, object []byte) ([]byte, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
		{lua.StringLibName, lua.OpenString},
		{lua.MathLibName, lua.OpenMath},
		{lua.OsLibName, lua.OpenOs},
	} {
		state.Push(state.NewFunction(library.open))
		state.Push(lua.LString(library.name))
		state.Call(1, 0)
	}
	var value any
	if err := json.Unmarshal(object, &value); err != nil {
		return nil, fmt.Errorf("stdin: %w", err)
	}
	state.SetGlobal("obj", luajson.DecodeValue(state, value))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	return luajson.Encode(state.Get(-1))
}

func main() {
	script, err := os.ReadFile(os.Args[1])
	if err == nil {
		var object, result []byte
		if object, err = io.ReadAll(os.Stdin); err == nil {
			if result, err = run(string(script), object); err == nil {
				fmt.Println(string(result))
				return
			}
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
