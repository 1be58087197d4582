"""Tables of facts: protobuf field numbers, Go types of fields, the shape of a pod template in Go."""
