//! The growing run of bytes that writers append to. Its memory is kept between records and calls,
//! so that steady work allocates nothing.

const std = @import("std");

pub const Buffer = struct {
    gpa: std.mem.Allocator,
    list: std.ArrayList(u8) = .empty,

    pub fn deinit(self: *Buffer) void {
        self.list.deinit(self.gpa);
        self.* = undefined;
    }

    pub fn items(self: *const Buffer) []u8 {
        return self.list.items;
    }

    pub fn length(self: *const Buffer) usize {
        return self.list.items.len;
    }

    pub fn clear(self: *Buffer) void {
        self.list.clearRetainingCapacity();
    }

    /// Take back all that was appended since the length was `mark`.
    pub fn shrink(self: *Buffer, mark: usize) void {
        self.list.shrinkRetainingCapacity(mark);
    }

    pub inline fn reserve(self: *Buffer, count: usize) error{OutOfMemory}!void {
        if (self.list.capacity - self.list.items.len < count) try self.grow(count);
    }

    /// Not inline: growing is rare, and long.
    noinline fn grow(self: *Buffer, count: usize) error{OutOfMemory}!void {
        @branchHint(.cold);
        try self.list.ensureUnusedCapacity(self.gpa, count);
    }

    /// Append `count` bytes, to be filled in by the caller.
    pub inline fn addArray(self: *Buffer, comptime count: usize) error{OutOfMemory}!*[count]u8 {
        try self.reserve(count);
        const at = self.list.items.len;
        self.list.items.len += count;
        return self.list.items[at..][0..count];
    }

    /// The same for a number that is not known when compiling.
    pub inline fn addSlice(self: *Buffer, count: usize) error{OutOfMemory}![]u8 {
        try self.reserve(count);
        const at = self.list.items.len;
        self.list.items.len += count;
        return self.list.items[at..];
    }

    /// Append a text known when compiling: a few stores, no call.
    pub inline fn literal(self: *Buffer, comptime bytes: []const u8) error{OutOfMemory}!void {
        (try self.addArray(bytes.len)).* = bytes[0..bytes.len].*;
    }

    pub inline fn append(self: *Buffer, bytes: []const u8) error{OutOfMemory}!void {
        try self.reserve(bytes.len);
        self.list.appendSliceAssumeCapacity(bytes);
    }

    pub inline fn byte(self: *Buffer, value: u8) error{OutOfMemory}!void {
        try self.reserve(1);
        self.list.appendAssumeCapacity(value);
    }

    pub fn print(self: *Buffer, comptime format: []const u8, arguments: anytype) error{OutOfMemory}!void {
        var text: [128]u8 = undefined;
        // Only short, bounded texts (references, numbers) are formatted so.
        try self.append(std.fmt.bufPrint(&text, format, arguments) catch &text);
    }

    /// Append a character as UTF-8. `character` is a Unicode scalar value.
    pub fn appendCharacter(self: *Buffer, character: u21) error{OutOfMemory}!void {
        var bytes: [4]u8 = undefined;
        const count = std.unicode.utf8Encode(character, &bytes) catch unreachable;
        try self.append(bytes[0..count]);
    }
};
