//! Memory for `fuzz.zig` that notices what is done to it: an allocator that counts, never grows a
//! block in place, looks for writes behind a block's end and can fail; and a place for input whose
//! end is the end of what may be read.

const std = @import("std");
const Alignment = std.mem.Alignment;

const guard_byte = 0xc9;
const guard_length = 16;
/// In front of each block: its length, padded to keep the block aligned.
fn headerOf(alignment: Alignment) usize {
    return @max(16, alignment.toByteUnits());
}

/// Blocks that are allocated now.
pub var blocks: usize = 0;
/// The allocation that fails, counted from 1; 0 lets all of them be.
pub var failing: usize = 0;

pub const allocator: std.mem.Allocator = .{ .ptr = undefined, .vtable = &.{
    .alloc = allocate,
    .resize = resize,
    .remap = remap,
    .free = free,
} };

fn allocate(_: *anyopaque, length: usize, alignment: Alignment, _: usize) ?[*]u8 {
    if (failing > 0) {
        failing -= 1;
        if (failing == 0) return null;
    }
    const header_length = headerOf(alignment);
    var place: ?*anyopaque = null;
    if (std.c.posix_memalign(&place, header_length, header_length + length + guard_length) != 0) return null;
    const whole: [*]u8 = @ptrCast(place.?);
    std.mem.writeInt(usize, whole[0..@sizeOf(usize)], length, .native);
    const block = whole[header_length..];
    // What is read before it is written should not look like anything.
    @memset(block[0..@min(length, 4096)], 0xaa);
    @memset(block[length..][0..guard_length], guard_byte);
    blocks += 1;
    return block;
}

fn resize(_: *anyopaque, _: []u8, _: Alignment, _: usize, _: usize) bool {
    return false;
}

fn remap(_: *anyopaque, _: []u8, _: Alignment, _: usize, _: usize) ?[*]u8 {
    return null;
}

fn free(_: *anyopaque, block: []u8, alignment: Alignment, _: usize) void {
    const whole = block.ptr - headerOf(alignment);
    if (std.mem.readInt(usize, whole[0..@sizeOf(usize)], .native) != block.len) @panic("a block is freed with another length");
    for (block.ptr[block.len..][0..guard_length]) |byte| if (byte != guard_byte) @panic("something was written behind a block's end");
    @memset(block[0..@min(block.len, 4096)], 0xdd);
    std.c.free(whole);
    blocks -= 1;
}

const shown_max = 1 << 20;
var pages: []align(std.heap.page_size_min) u8 = &.{};

/// A copy of `bytes` behind which nothing can be read, good until the next call.
pub fn show(bytes: []const u8) []const u8 {
    if (bytes.len > shown_max) @panic("inputs are shorter");
    if (pages.len == 0) {
        pages = std.posix.mmap(null, shown_max + std.heap.page_size_max, .{ .READ = true, .WRITE = true }, .{ .TYPE = .PRIVATE, .ANONYMOUS = true }, -1, 0) catch @panic("no memory");
        const guard: []align(std.heap.page_size_min) u8 = @alignCast(pages[shown_max..]);
        if (std.c.mprotect(guard.ptr, guard.len, .{}) != 0) @panic("no guard");
    }
    const copy = pages[shown_max - bytes.len .. shown_max];
    @memcpy(copy, bytes);
    return copy;
}
