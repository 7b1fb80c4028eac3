//! Writing text formats into a buffer's spare room. They wrap each short piece of a field in markup
//! that is known when compiling: with room for all of it asked for once, that is a few stores, and a
//! piece is mostly one block, which is stored whole and looked at while it is in registers.

const std = @import("std");
const record_module = @import("record.zig");
const scan = @import("scan.zig");
const Buffer = @import("buffer.zig").Buffer;
const Error = @import("problem.zig").Error;

/// A place at a buffer's end. All of it is inline, so that it stays in registers: the buffer learns of
/// what was put only by `leave`.
pub const Cursor = struct {
    out: *Buffer,
    room: []u8,
    at: usize,
    /// Behind this there is too little room.
    limit: usize,

    /// What there is room for behind `enter`, `ensure` and each text: a block, and markup up to the
    /// next text, of which no format has more than 100 bytes. With safety checks there is no more.
    const slack = 128 + scan.block_length;

    pub inline fn enter(out: *Buffer) error{OutOfMemory}!Cursor {
        try out.reserve(slack);
        const at = out.length();
        const room = out.list.allocatedSlice();
        if (std.debug.runtime_safety) return .{ .out = out, .room = room[0 .. at + slack], .at = at, .limit = at };
        return .{ .out = out, .room = room, .at = at, .limit = room.len - slack };
    }

    /// Let the buffer be written to by other means. `enter` takes up what has come.
    pub inline fn leave(self: *const Cursor) void {
        self.out.list.items.len = self.at;
    }

    /// Let there be room for what follows.
    pub inline fn ensure(self: *Cursor) error{OutOfMemory}!void {
        if (self.at <= self.limit) return;
        self.leave();
        self.* = try .enter(self.out);
    }

    /// Put a text known when compiling.
    pub inline fn literal(self: *Cursor, comptime bytes: []const u8) void {
        _ = self.form(bytes);
    }

    /// The same, some bytes of which are then replaced.
    pub inline fn form(self: *Cursor, comptime bytes: []const u8) *[bytes.len]u8 {
        const target = self.room[self.at..][0..bytes.len];
        target.* = bytes[0..bytes.len].*;
        self.at += bytes.len;
        return target;
    }

    /// Put the bytes from `start` to `end`, or to one of `class`, and tell where that is. What lies
    /// behind `end` is only there to be looked at: short texts are then one block, too.
    pub inline fn until(self: *Cursor, comptime class: scan.Class, bytes: []const u8, start: usize, end: usize) error{OutOfMemory}!usize {
        var at = start;
        while (true) {
            try self.ensure();
            const block = scan.blockAt(bytes, at);
            self.room[self.at..][0..scan.block_length].* = block;
            const plain = @min(end - at, scan.indexIn(class, block));
            at += plain;
            self.at += plain;
            if (plain < scan.block_length) return at;
        }
    }

    /// Put text to `end` or to a subfield delimiter, and what `escape` appends for each byte of `class`
    /// and for those behind it that it takes, too.
    pub inline fn text(self: *Cursor, comptime class: scan.Class, comptime escape: anytype, writer: anytype, bytes: []const u8, start: usize, end: usize) Error!usize {
        var at = start;
        while (true) {
            at = try self.until(class, bytes, at, end);
            if (at == end or bytes[at] == record_module.subfield_delimiter) return at;
            self.leave();
            at += try escape(writer, bytes[at..end]);
            self.* = try .enter(self.out);
        }
    }
};

test "text is put up to where it ends, wherever that is and whatever stands behind it" {
    const gpa = std.testing.allocator;
    const class: scan.Class = .{ .below = ' ', .others = "&" };
    const escape = struct {
        fn escape(out: *Buffer, bytes: []const u8) Error!usize {
            // Longer than what there is room for.
            for (0..200) |_| try out.byte(bytes[0]);
            return 1;
        }
    }.escape;
    var bytes: [100]u8 = @splat('x');
    for (0..bytes.len) |at| {
        for ([_]u8{ '&', record_module.subfield_delimiter, 'x' }) |byte| for (0..bytes.len + 1) |end| {
            bytes[at] = byte;
            defer bytes[at] = 'x';
            const start = end / 2;
            var expected: Buffer = .{ .gpa = gpa };
            defer expected.deinit();
            try expected.append("<");
            const stop = if (byte == record_module.subfield_delimiter and at >= start and at < end) at else end;
            for (bytes[start..stop]) |one| for (0..if (one == '&') 200 else 1) |_| try expected.byte(one);
            try expected.append(">");

            var out: Buffer = .{ .gpa = gpa };
            defer out.deinit();
            var cursor: Cursor = try .enter(&out);
            cursor.literal("<");
            try std.testing.expectEqual(stop, try cursor.text(class, escape, &out, &bytes, start, end));
            cursor.literal(">");
            cursor.leave();
            try std.testing.expectEqualStrings(expected.items(), out.items());
        };
    }
}
