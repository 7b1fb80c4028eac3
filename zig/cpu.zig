//! Which of two compilations of a function is run. The library is compiled for the oldest processors
//! of an architecture. Where much is to be had, on x86-64 with AVX2, a function is compiled once
//! more, for x86-64-v3, in an object that is linked into the library; the processor chooses
//! when the function is called first. `MRRC_CT_CPU=baseline` in the environment keeps it from that.

const std = @import("std");
const builtin = @import("builtin");
const canonical = @import("canonical.zig");
const json_direct = @import("json_direct.zig");

pub const Level = enum(u32) { baseline = 0, x86_64_v3 = 1 };

/// Only libraries are linked with the object, and what is compiled for AVX2 as a whole needs none.
const has_choice = builtin.cpu.arch == .x86_64 and !canonical.is_wide and builtin.output_mode == .Lib and !builtin.is_test;

const Find = fn ([*]const u8, usize) callconv(.c) u64;
extern fn mrrc_ct_find_canonical_v3([*]const u8, usize) callconv(.c) u64;
extern fn mrrc_ct_write_json_v3([*]const u8, usize, usize, usize, [*]u32, [*]u8) callconv(.c) usize;

fn findBaseline(bytes: [*]const u8, length: usize) callconv(.c) u64 {
    return @bitCast(canonical.find(bytes[0..length]));
}

/// The first call chooses; threads that come at the same time choose the same.
var chosen: std.atomic.Value(*const Find) = .init(&choose);

fn choose(bytes: [*]const u8, length: usize) callconv(.c) u64 {
    const find: *const Find = if (supported() == .x86_64_v3) &mrrc_ct_find_canonical_v3 else &findBaseline;
    chosen.store(find, .monotonic);
    return find(bytes, length);
}

/// `canonical.find`, as the processor does it best.
pub inline fn findCanonical(data: []const u8) canonical.Found {
    if (!has_choice) return canonical.find(data);
    return @bitCast(chosen.load(.monotonic)(data.ptr, data.len));
}

/// `json_direct.write`, as the processor does it best, of a record that was found by the function above.
pub inline fn writeJson(seen: []const u8, found: canonical.Found, marks: []u32, room: []u8) usize {
    if (has_choice and chosen.load(.monotonic) == &mrrc_ct_find_canonical_v3)
        return mrrc_ct_write_json_v3(seen.ptr, seen.len, found.length, found.base_address, marks.ptr, room.ptr);
    return json_direct.write(seen, found.length, found.base_address, marks, room);
}

/// What is in use.
pub fn level() Level {
    if (!has_choice) return if (canonical.is_wide) .x86_64_v3 else .baseline;
    _ = findCanonical("");
    return if (chosen.load(.monotonic) == &findBaseline) .baseline else .x86_64_v3;
}

fn supported() Level {
    if (std.c.getenv("MRRC_CT_CPU")) |name| if (std.mem.eql(u8, std.mem.span(name), "baseline")) return .baseline;
    if (cpuid(0).eax < 7 or cpuid(0x8000_0000).eax < 0x8000_0001) return .baseline;
    // FMA, MOVBE, OSXSAVE, AVX, F16C; BMI1, AVX2, BMI2; LZCNT.
    const has_all = all(cpuid(1).ecx, &.{ 12, 22, 27, 28, 29 }) and all(cpuid(7).ebx, &.{ 3, 5, 8 }) and
        all(cpuid(0x8000_0001).ecx, &.{5});
    if (!has_all) return .baseline;
    // The system saves the registers, and all of each.
    return if (all(enabledState(), &.{ 1, 2 })) .x86_64_v3 else .baseline;
}

fn all(word: u32, comptime bits: []const u5) bool {
    comptime var wanted: u32 = 0;
    comptime for (bits) |bit| {
        wanted |= 1 << bit;
    };
    return word & wanted == wanted;
}

fn cpuid(leaf: u32) struct { eax: u32, ebx: u32, ecx: u32 } {
    var eax: u32 = undefined;
    var ebx: u32 = undefined;
    var ecx: u32 = undefined;
    asm volatile ("cpuid"
        : [eax] "={eax}" (eax),
          [ebx] "={ebx}" (ebx),
          [ecx] "={ecx}" (ecx),
        : [leaf] "{eax}" (leaf),
          [part] "{ecx}" (0),
        : .{ .edx = true });
    return .{ .eax = eax, .ebx = ebx, .ecx = ecx };
}

/// Only where there is OSXSAVE.
fn enabledState() u32 {
    return asm volatile ("xgetbv"
        : [state] "={eax}" (-> u32),
        : [register] "{ecx}" (0),
        : .{ .edx = true });
}
