//! The reading of text formats where they are written as nearly everybody writes them, for the sake
//! of speed: markup known when compiling, and text that holds nothing to decode between it. Whatever
//! is not so, or not all in sight, is left to the reader proper, which takes and reports everything.

const std = @import("std");
const record_module = @import("record.zig");
const scan = @import("scan.zig");
const Cursor = @import("cursor.zig").Cursor;
const Record = record_module.Record;

/// A place in the input, and one in the record's text. Like the cursor it stays in registers. After
/// a function that could not take what it was to take both places are of no use: whoever calls it
/// keeps those from before.
pub const Usual = struct {
    data: []const u8,
    at: usize,
    text: Cursor,

    /// More text than this is left to the reader proper.
    const text_max = 2048;

    pub inline fn of(data: []const u8, at: usize, record: *Record) error{OutOfMemory}!Usual {
        return .{ .data = data, .at = at, .text = try .enter(&record.text) };
    }

    /// Leave out white space, most often just `expected`: then nothing waits for how much it is.
    pub inline fn skipBlanks(self: *Usual, comptime expected: []const u8) void {
        if (expected.len > 0) _ = self.take(expected);
        if (self.at < self.data.len and self.data[self.at] > ' ') return;
        self.at += scan.indexOfOther(.{ .others = " \t\r\n" }, self.data[self.at..]);
    }

    /// Take what looks like `form`, where a 0 is any byte. When it does not, nothing is taken.
    pub inline fn take(self: *Usual, comptime form: []const u8) ?*const [form.len]u8 {
        if (self.data.len - self.at < form.len) return null;
        const found = self.data[self.at..][0..form.len];
        if (!scan.isLike(form, '0', found)) return null;
        self.at += form.len;
        return found;
    }

    /// Put text without a byte of `special` into the record, and take `end` behind it.
    pub inline fn takeText(self: *Usual, comptime special: scan.Class, comptime end: []const u8) error{OutOfMemory}!bool {
        self.at = try self.text.until(special, self.data, self.at, @min(self.data.len, self.at + text_max));
        return self.take(end) != null;
    }

    pub inline fn beginField(self: *Usual, indicators: [2]u8) error{OutOfMemory}!void {
        try self.text.ensure();
        self.text.form("10").* = indicators;
    }

    pub inline fn beginSubfield(self: *Usual, code: u8) void {
        self.text.form(.{record_module.subfield_delimiter} ++ "a")[1] = code;
    }
};
