//! Where the bytes stand that a record is cut at, or that are not simply copied: one pass that notes them
//! all, so that who then goes from one to the next need not wait for a search.

const scan = @import("scan.zig");
const utf8 = @import("utf8.zig");

/// Bytes that are looked at together.
pub const step = 64;
const Block = @Vector(step, u8);
/// Places are put down so many at once, wanted or not.
const together = 8;

/// How many places there has to be room for.
pub fn countFor(length: usize) usize {
    return length + step + together;
}

/// The places of all bytes from the end of the directory on that are of a class, and of some behind the
/// record: `step` bytes more have to be there. What stands before `head_length`, which is no less than that,
/// is UTF-8. False when something of the class stands there, too, or the record is not UTF-8.
pub inline fn find(comptime class: scan.Class, seen: []const u8, length: usize, head_length: usize, marks: []u32) bool {
    var at: usize = 0;
    var wrong: Block = @splat(0);
    while (at < head_length) : (at += step) {
        const block: Block = seen[@min(at, head_length - step)..][0..step].*;
        wrong |= class.marks(block);
    }
    if (@reduce(.Or, wrong) != 0) return false;
    var count: usize = 0;
    var any: Block = @splat(0);
    at = head_length;
    while (at < length) : (at += step) {
        const block: Block = seen[at..][0..step].*;
        any |= block;
        var hits = scan.hitsIn(class, block);
        const found = @popCount(hits);
        var left: usize = 0;
        while (left < found) : (left += together) {
            inline for (0..together) |index| {
                marks[count + left + index] = @intCast(at + @as(usize, @ctz(hits)));
                hits &= hits -% 1;
            }
        }
        count += found;
    }
    return @reduce(.Max, any) < 0x80 or utf8.indexOfInvalid(seen[0..length]) == null;
}
