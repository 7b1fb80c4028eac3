//! The object that `cpu.zig` chooses on x86-64-v3: `canonical.zig` and `json_direct.zig`, compiled for it.

const std = @import("std");
const canonical = @import("canonical.zig");
const json_direct = @import("json_direct.zig");

// As in abi.zig: no signal stack of std's own.
pub const std_options: std.Options = .{ .signal_stack_size = null };

fn find(bytes: [*]const u8, length: usize) callconv(.c) u64 {
    return @bitCast(canonical.find(bytes[0..length]));
}

fn writeJson(seen: [*]const u8, seen_length: usize, length: usize, base: usize, marks: [*]u32, room: [*]u8) callconv(.c) usize {
    return json_direct.write(seen[0..seen_length], length, base, marks[0..json_direct.marksFor(length)], room[0..json_direct.roomFor(length)]);
}

comptime {
    if (!canonical.is_wide) @compileError("to be compiled for x86-64-v3");
    @export(&find, .{ .name = "mrrc_ct_find_canonical_v3", .visibility = .hidden });
    @export(&writeJson, .{ .name = "mrrc_ct_write_json_v3", .visibility = .hidden });
}
