//! The object that `cpu.zig` chooses on x86-64-v3: `canonical.zig`, compiled for it.

const std = @import("std");
const canonical = @import("canonical.zig");

// As in abi.zig: no signal stack of std's own.
pub const std_options: std.Options = .{ .signal_stack_size = null };

fn find(bytes: [*]const u8, length: usize) callconv(.c) u64 {
    return @bitCast(canonical.find(bytes[0..length]));
}

comptime {
    if (!canonical.is_wide) @compileError("to be compiled for x86-64-v3");
    @export(&find, .{ .name = "mrrc_ct_find_canonical_v3", .visibility = .hidden });
}
