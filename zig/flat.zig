//! The form in which records cross between the core and its host language: that of ISO 2709, but
//! the numbers in leader and directory mean nothing. Leader, a directory whose entries are a tag and
//! nine bytes that nobody reads, 1E, each field's content with 1E behind it, 1D. Splitting at 1E
//! gives the head and the fields; nothing is counted, so nothing can overflow.

const std = @import("std");
const record_module = @import("record.zig");
const scan = @import("scan.zig");
const problem_module = @import("problem.zig");
const Buffer = @import("buffer.zig").Buffer;
const Error = problem_module.Error;
const Problem = problem_module.Problem;
const Record = record_module.Record;

const terminators: scan.Class = .{ .others = &.{ record_module.record_terminator, record_module.field_terminator } };

const leader_length = record_module.leader_length;
const entry_length = record_module.entry_length;
const field_terminator = record_module.field_terminator;
const record_terminator = record_module.record_terminator;

/// Read the record at the start of `data`: its length in bytes, or null when it is not all there.
pub fn read(data: []const u8, record: *Record, problem: *Problem) Error!?usize {
    const length = 1 + (std.mem.indexOfScalar(u8, data, record_terminator) orelse return null);
    const head_end = std.mem.indexOfScalar(u8, data[0..length], field_terminator) orelse 0;
    if (head_end < leader_length or (head_end - leader_length) % entry_length != 0) {
        return problem.set(.leader_invalid, 0, data[0..@min(length, leader_length)], "the leader should have 24 bytes and each entry 12", .{});
    }
    record.reset();
    @memcpy(&record.leader, data[0..leader_length]);
    record.bytes = data[0..length];
    var tag_at: usize = leader_length;
    var at = head_end + 1;
    while (tag_at < head_end) : (tag_at += entry_length) {
        const end = std.mem.indexOfScalarPos(u8, data[0..length], at, field_terminator) orelse
            return problem.set(.delimiter_in_data, at, "", "there are more tags than fields", .{});
        const tag = data[tag_at..][0..3].*;
        if (!record_module.isTag(&tag)) {
            return problem.set(.tag_invalid, tag_at, &tag, "a tag should be three printable ASCII characters", .{});
        }
        try record.fields.append(record.gpa, .{ .tag = tag, .start = @intCast(at), .end = @intCast(end) });
        at = end + 1;
    }
    if (at != length - 1) {
        return problem.set(.delimiter_in_data, at, "", "a field holds a terminator, 1D or 1E, as data", .{});
    }
    return length;
}

/// Append the record. A terminator inside a field would be taken for the field's end: a problem.
pub fn write(out: *Buffer, record: *const Record, problem: *Problem) Error!void {
    const mark = out.length();
    errdefer out.shrink(mark);
    try out.append(&record.leader);
    for (record.fields.items) |field| {
        try out.append(&field.tag);
        try out.append(&@as([entry_length - 3]u8, @splat('0')));
    }
    try out.byte(field_terminator);
    for (record.fields.items) |field| {
        const content = record.content(field);
        const at = scan.indexOf(terminators, content);
        if (at != content.len) {
            problem.set(.delimiter_in_data, field.start + at, content[at .. at + 1], "a terminator, 1D or 1E, stands inside the field", .{}) catch {};
            problem.setTag(field.tag);
            return error.Problem;
        }
        try out.append(content);
        try out.byte(field_terminator);
    }
    try out.byte(record_terminator);
}
