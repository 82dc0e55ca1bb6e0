"""The engine as WebAssembly beside other run-times, in a browser."""
