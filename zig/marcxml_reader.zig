//! MARCXML as the world writes it: `record` elements with any namespace prefix or none, anywhere in
//! a document (a collection, an answer of OAI-PMH or SRU), attributes in any order. Elements are
//! known by their local names. An element named `record` that does not begin with a leader or a
//! field is a wrapper, as in OAI-PMH. The input is UTF-8; other encodings are decoded before.

const std = @import("std");
const iso2709 = @import("iso2709.zig");
const scan = @import("scan.zig");
const utf8 = @import("utf8.zig");
const xml = @import("xml_token.zig");
const record_module = @import("record.zig");
const problem_module = @import("problem.zig");
const Error = problem_module.Error;
const Problem = problem_module.Problem;
const Record = record_module.Record;
const Resync = record_module.Resync;
const Step = record_module.Step;
const Usual = @import("usual.zig").Usual;

const depth_max = 100;
const name_bytes_max = 256;
/// What a record without a leader element gets: UTF-8, two indicators, nothing else said.
const leader_default = "00000    a2200000   4500".*;

pub const Reader = struct {
    gpa: std.mem.Allocator,
    problem: *Problem,
    /// Names of the elements that are open around the records, each as its bytes and its length.
    open_names: std.ArrayList(u8) = .empty,
    open_lengths: std.ArrayList(u16) = .empty,
    /// Any element seen at all.
    has_root: bool = false,
    /// Behind damage the tags need not match any more, and a cut end has been reported.
    is_damaged: bool = false,
    context: xml.Context = .{},
    /// How far the record was followed that could not be read.
    followed: usize = 0,

    pub fn deinit(self: *Reader) void {
        self.open_names.deinit(self.gpa);
        self.open_lengths.deinit(self.gpa);
        self.* = undefined;
    }

    /// Begin another document, keeping the memory.
    pub fn restart(self: *Reader) void {
        self.open_names.clearRetainingCapacity();
        self.open_lengths.clearRetainingCapacity();
        self.has_root = false;
        self.is_damaged = false;
        self.context = .{};
    }

    /// Take a record, or what stands before one, from the start of `data`.
    pub fn next(self: *Reader, data: []const u8, final: bool, record: *Record) Error!Step {
        var at: usize = 0;
        self.followed = 0;
        while (at < data.len) {
            self.context.is_prolog = !self.has_root and !self.is_damaged;
            const token = switch (xml.next(data[at..], final, &self.context)) {
                .token => |token| token,
                .need_more => return if (at > 0) .{ .skip = at } else .need_more,
                .malformed => |what| {
                    if (at > 0) return .{ .skip = at };
                    return self.problem.set(.xml_syntax, 0, data[0..@min(data.len, 12)], "XML: {s}", .{what});
                },
            };
            const is_tag = token.kind == .start_tag or token.kind == .empty_tag;
            if (is_tag and std.mem.eql(u8, token.localName(), "record")) {
                // What stands before it goes first, so that a record always begins the input.
                if (at > 0) return .{ .skip = at };
                var parse: Parse = .{ .problem = self.problem, .record = record, .data = data, .at = token.length, .final = final, .context = &self.context };
                if (token.kind == .start_tag) switch (try parse.isMarc()) {
                    .need_more => return .need_more,
                    .yes => {
                        self.has_root = true;
                        self.context.is_prolog = false;
                        errdefer self.followed = parse.at;
                        if (!try parse.run(token.name)) return .need_more;
                        return .{ .record = parse.at };
                    },
                    .no => {},
                };
            }
            if (at > 0 and self.isOutOfPlace(token)) return .{ .skip = at };
            try self.outside(token, data[at..]);
            at += token.length;
        }
        if (!final) return if (at > 0) .{ .skip = at } else .need_more;
        if (at > 0) return .{ .skip = at };
        try self.checkEnd();
        return .end;
    }

    /// Would `outside` report this token? Then what precedes it is given up first.
    fn isOutOfPlace(self: *const Reader, token: xml.Token) bool {
        return switch (token.kind) {
            .end_tag => !self.is_damaged and !std.mem.eql(u8, self.innermost(), token.name),
            .text, .cdata => self.open_lengths.items.len == 0 and !self.is_damaged and !isBlank(token.body),
            .start_tag => self.open_lengths.items.len >= depth_max or token.name.len > name_bytes_max or isFieldElement(token),
            .empty_tag => isFieldElement(token),
            .ignored => false,
        };
    }

    /// Account for a token outside records.
    fn outside(self: *Reader, token: xml.Token, data: []const u8) Error!void {
        const found = data[0..@min(token.length, 24)];
        if (self.isOutOfPlace(token)) switch (token.kind) {
            .end_tag => return self.problem.set(.xml_syntax, 0, found, "XML: this end tag does not match the open element <{s}>", .{self.innermost()[0..@min(self.innermost().len, 40)]}),
            .start_tag, .empty_tag => if (isFieldElement(token)) {
                return self.problem.set(.xml_syntax, 0, found, "XML: a field outside a record", .{});
            } else return self.problem.set(.xml_syntax, 0, found, "XML: elements nested deeper than {d}, or a name longer than {d} bytes", .{ depth_max, name_bytes_max }),
            else => return self.problem.set(.xml_syntax, 0, found, "XML was expected, a document begins with <", .{}),
        };
        switch (token.kind) {
            .start_tag => {
                self.has_root = true;
                try self.open_names.appendSlice(self.gpa, token.name);
                try self.open_lengths.append(self.gpa, @intCast(token.name.len));
            },
            .empty_tag => self.has_root = true,
            .end_tag => if (self.open_lengths.pop()) |length| {
                self.open_names.shrinkRetainingCapacity(self.open_names.items.len - length);
            },
            .text, .cdata, .ignored => {},
        }
    }

    fn isFieldElement(token: xml.Token) bool {
        return switch (Parse.elementOf(token)) {
            .controlfield, .datafield, .subfield => true,
            .leader, .record, .other => false,
        };
    }

    fn innermost(self: *const Reader) []const u8 {
        const lengths = self.open_lengths.items;
        if (lengths.len == 0) return "";
        return self.open_names.items[self.open_names.items.len - lengths[lengths.len - 1] ..];
    }

    fn checkEnd(self: *Reader) Error!void {
        if (self.is_damaged) return;
        if (self.open_lengths.items.len == 0 and self.has_root) return;
        self.is_damaged = true;
        if (!self.has_root) return self.problem.set(.xml_syntax, 0, "", "XML: the document has no element", .{});
        return self.problem.set(.xml_syntax, 0, "", "XML: the document ends inside <{s}>", .{self.innermost()[0..@min(self.innermost().len, 40)]});
    }

    /// Behind a problem: how many bytes to leave out to come to the next record element, looked for
    /// from `from` on, and whether there it is. Called again with what follows until it is found or
    /// nothing is left.
    pub fn resync(self: *Reader, data: []const u8, from: usize, final: bool) Resync {
        self.is_damaged = true;
        // No record begins in what was followed, but in comments and the like: many of these would
        // be followed again and again.
        var at = if (from > 0) @max(from, self.followed) else 0;
        while (std.mem.indexOfScalarPos(u8, data, at, '<')) |start| {
            const window = data[start..@min(data.len, start + 1 + 64)];
            var end: usize = 1;
            while (end < window.len and isTagNameByte(window[end])) end += 1;
            // A name cut by the end of the input is judged when more of it is there.
            if (end == data.len - start and !final) return .{ .skip = start, .found = false };
            if (std.mem.eql(u8, xml.withoutPrefix(window[1..end]), "record")) return .{ .skip = start, .found = true };
            at = start + 1;
        }
        return .{ .skip = data.len, .found = final };
    }
};

fn isTagNameByte(byte: u8) bool {
    return std.ascii.isAlphanumeric(byte) or byte == ':' or byte == '_' or byte == '-' or byte == '.';
}

fn isBlank(text: []const u8) bool {
    return std.mem.trim(u8, text, &(xml.white_space ++ "\u{feff}".*)).len == 0;
}

/// The reading of one record element.
const Parse = struct {
    problem: *Problem,
    record: *Record,
    data: []const u8,
    at: usize,
    final: bool,
    context: *xml.Context,

    const Verdict = enum { yes, no, need_more };

    /// Is the first element inside one of a MARC record's?
    fn isMarc(self: *Parse) Error!Verdict {
        var at = self.at;
        while (at < self.data.len) {
            const token = switch (xml.next(self.data[at..], self.final, self.context)) {
                .token => |token| token,
                .need_more => return .need_more,
                .malformed => return .no,
            };
            switch (token.kind) {
                .start_tag, .empty_tag => return switch (elementOf(token)) {
                    .record, .other => .no,
                    else => .yes,
                },
                .end_tag => return .no,
                .text, .cdata, .ignored => at += token.length,
            }
        }
        return if (self.final) .no else .need_more;
    }

    const Element = enum { leader, controlfield, datafield, subfield, record, other };

    fn elementOf(token: xml.Token) Element {
        return std.meta.stringToEnum(Element, token.localName()) orelse .other;
    }

    /// The next token, or null when it goes on behind the input.
    fn take(self: *Parse) Error!?xml.Token {
        if (self.at == self.data.len) {
            if (!self.final) return null;
            return self.problem.set(.truncated_record, self.at, "", "XML: the document ends inside a record", .{});
        }
        switch (xml.next(self.data[self.at..], self.final, self.context)) {
            .token => |token| {
                self.at += token.length;
                return token;
            },
            .need_more => return null,
            .malformed => |what| return self.malformed(what),
        }
    }

    fn malformed(self: *Parse, what: []const u8) error{Problem} {
        const found = self.data[self.at..@min(self.data.len, self.at + 12)];
        return self.problem.set(.xml_syntax, self.at, found, "XML: {s}", .{what});
    }

    /// Read up to the end tag `name`. False: it goes on behind the input.
    fn run(self: *Parse, name: []const u8) Error!bool {
        self.record.reset();
        self.record.leader = leader_default;
        while (true) {
            try self.takeUsual();
            const start = self.at;
            const token = try self.take() orelse return false;
            switch (token.kind) {
                .end_tag => {
                    if (!std.mem.eql(u8, token.name, name)) return self.mismatch(start, token, name);
                    break;
                },
                .start_tag, .empty_tag => if (!try self.child(token, start)) return false,
                .text, .cdata => if (!isBlank(token.body)) {
                    return self.problem.set(.xml_syntax, start, token.body[0..@min(token.body.len, 12)], "XML: text between the fields of a record", .{});
                },
                .ignored => {},
            }
        }
        if (utf8.indexOfInvalid(self.data[0..self.at])) |index| {
            return self.problem.set(.utf8_invalid, index, self.data[index..@min(index + 4, self.at)], "the text is not UTF-8", .{});
        }
        self.record.seal();
        return true;
    }

    fn mismatch(self: *Parse, start: usize, token: xml.Token, name: []const u8) error{Problem} {
        return self.problem.set(.xml_syntax, start, token.name, "XML: an end tag does not match the open element <{s}>", .{name[0..@min(name.len, 40)]});
    }

    /// Take leader and fields that are written in the usual way, up to what is not.
    fn takeUsual(self: *Parse) Error!void {
        const record = self.record;
        var usual: Usual = try .of(self.data, self.at, record);
        if (record.fields.items.len == 0) {
            usual.skipBlanks("\n  ");
            if (takeLeader(&usual)) |found| {
                record.leader = found;
                self.at = usual.at;
            } else usual.at = self.at;
        }
        while (true) {
            const start = usual.text.at;
            usual.skipBlanks("\n  ");
            const tag = try takeField(&usual) orelse {
                usual.text.at = start;
                break;
            };
            try record.addField(.{ .tag = tag, .start = @intCast(start), .end = @intCast(usual.text.at) });
            self.at = usual.at;
        }
        usual.text.leave();
    }

    const special_in_attribute: scan.Class = .{ .others = "&<\"" };
    const special_in_tag: scan.Class = .{ .below = ' ' + 1, .others = special_in_attribute.others };
    const special_in_text: scan.Class = .{ .below = ' ', .others = "&<" };

    inline fn takeLeader(usual: *Usual) ?[record_module.leader_length]u8 {
        const start = "<leader>";
        const zeros: [record_module.leader_length]u8 = comptime @splat('0');
        const found = (usual.take(start ++ zeros ++ "</leader>") orelse return null)[start.len..][0..zeros.len];
        return if (scan.isPlain(special_in_attribute, found)) found.* else null;
    }

    inline fn takeField(usual: *Usual) Error!?record_module.Tag {
        if (usual.take("<datafield tag=\"000\" ind1=\"0\" ind2=\"0\">")) |head| {
            return takeSubfields(usual, head[16..19].*, .{ head[27], head[36] });
        }
        if (usual.take("<controlfield tag=\"000\">")) |head| {
            const tag = head[19..22].*;
            return if (record_module.isControlTag(tag) and try usual.takeText(special_in_text, "</controlfield>")) tag else null;
        }
        if (usual.take("<datafield ind1=\"0\" ind2=\"0\" tag=\"000\">")) |head| {
            return takeSubfields(usual, head[34..37].*, .{ head[17], head[26] });
        }
        return null;
    }

    inline fn takeSubfields(usual: *Usual, tag: record_module.Tag, indicators: [2]u8) Error!?record_module.Tag {
        if (!scan.isPlain(special_in_tag, &tag) or !scan.isPlain(special_in_attribute, &indicators) or record_module.isControlTag(tag)) return null;
        try usual.beginField(indicators);
        while (true) {
            usual.skipBlanks("\n    ");
            const head = usual.take("<subfield code=\"0\">") orelse break;
            if (!scan.isPlain(special_in_attribute, head[16..17])) return null;
            usual.beginSubfield(head[16]);
            if (!try usual.takeText(special_in_text, "</subfield>")) return null;
        }
        return if (usual.take("</datafield>") != null) tag else null;
    }

    // ---- anything else

    /// False: the element goes on behind the input. So with all that follow.
    fn child(self: *Parse, token: xml.Token, start: usize) Error!bool {
        switch (elementOf(token)) {
            .leader => return self.leader(token),
            .controlfield => {
                const tag = try self.tagOf(token, start);
                return self.controlField(token, tag, start) catch |err| self.inField(err, tag);
            },
            .datafield => {
                const tag = try self.tagOf(token, start);
                return self.dataField(token, tag, start) catch |err| self.inField(err, tag);
            },
            .subfield => return self.problem.set(.xml_syntax, start, token.name, "XML: a subfield outside a datafield", .{}),
            .record, .other => return self.skipElement(token, start),
        }
    }

    fn inField(self: *Parse, err: Error, tag: record_module.Tag) Error {
        if (err == error.Problem) self.problem.setTag(tag);
        return err;
    }

    fn leader(self: *Parse, token: xml.Token) Error!bool {
        const mark = self.record.text.length();
        const start = self.at;
        if (!try self.text(token)) return false;
        var found: []const u8 = self.record.text.items()[mark..];
        // White space around it comes from laying the document out; inside it is part of it.
        if (found.len > record_module.leader_length) found = std.mem.trim(u8, found, &xml.white_space);
        if (found.len != record_module.leader_length or !iso2709.isSoundLeader(found[0..record_module.leader_length])) {
            return self.problem.set(.leader_invalid, start, found, "the leader should have 24 ASCII characters, it has {d} bytes", .{found.len});
        }
        @memcpy(&self.record.leader, found);
        self.record.text.shrink(mark);
        return true;
    }

    /// The `tag` attribute. Numbers of fewer than three digits get their zeros.
    fn tagOf(self: *Parse, token: xml.Token, start: usize) Error!record_module.Tag {
        var value: [8]u8 = undefined;
        const found = try self.attribute(token, "tag", &value, start) orelse
            return self.problem.set(.tag_invalid, start, token.name, "XML: the element has no attribute tag", .{});
        var tag: record_module.Tag = "000".*;
        if (found.len > 0 and found.len < 3 and std.mem.indexOfNone(u8, found, "0123456789") == null) {
            @memcpy(tag[3 - found.len ..], found);
            return tag;
        }
        if (!record_module.isTag(found)) {
            return self.problem.set(.tag_invalid, start, found, "a tag should be three printable ASCII characters", .{});
        }
        return found[0..3].*;
    }

    fn controlField(self: *Parse, token: xml.Token, tag: record_module.Tag, start: usize) Error!bool {
        if (!record_module.isControlTag(tag)) {
            return self.problem.set(.tag_invalid, start, &tag, "a control field should have a tag from 001 to 009", .{});
        }
        try self.record.beginField(tag);
        if (!try self.text(token)) return false;
        self.record.endField();
        return true;
    }

    fn dataField(self: *Parse, token: xml.Token, tag: record_module.Tag, start: usize) Error!bool {
        if (record_module.isControlTag(tag)) {
            return self.problem.set(.tag_invalid, start, &tag, "a field with indicators should have a tag from 010", .{});
        }
        try self.record.beginField(tag);
        for ([_][]const u8{ "ind1", "ind2" }) |name| {
            var value: [8]u8 = undefined;
            const found = try self.attribute(token, name, &value, start) orelse " ";
            if (found.len > 1 or (found.len == 1 and !record_module.isIndicator(found[0]))) {
                return self.problem.set(.indicators_invalid, start, found, "an indicator should be one ASCII character", .{});
            }
            try self.record.append(if (found.len == 0) " " else found);
        }
        if (token.kind == .start_tag) while (true) {
            const child_start = self.at;
            const inner = try self.take() orelse return false;
            switch (inner.kind) {
                .end_tag => {
                    if (!std.mem.eql(u8, inner.name, token.name)) return self.mismatch(child_start, inner, token.name);
                    break;
                },
                .start_tag, .empty_tag => if (elementOf(inner) == .subfield) {
                    if (!try self.subfield(inner, child_start)) return false;
                } else {
                    if (!try self.skipElement(inner, child_start)) return false;
                },
                .text, .cdata => if (!isBlank(inner.body)) {
                    return self.problem.set(.xml_syntax, child_start, inner.body[0..@min(inner.body.len, 12)], "XML: text between the subfields of a field", .{});
                },
                .ignored => {},
            }
        };
        self.record.endField();
        return true;
    }

    fn subfield(self: *Parse, token: xml.Token, start: usize) Error!bool {
        var value: [8]u8 = undefined;
        const code = try self.attribute(token, "code", &value, start) orelse "";
        if (!record_module.isCode(code)) {
            return self.problem.set(.subfield_code_invalid, start, code, "a subfield code should be one character", .{});
        }
        try self.record.append(&.{record_module.subfield_delimiter});
        try self.record.append(code);
        return self.text(token);
    }

    /// An attribute's value, unescaped into `storage`; one that does not fit there is too long to be
    /// any of a record's.
    fn attribute(self: *Parse, token: xml.Token, name: []const u8, storage: *[8]u8, start: usize) Error!?[]const u8 {
        var attributes: xml.Attributes = .{ .rest = token.body };
        while (attributes.next() catch
            return self.problem.set(.xml_syntax, start, token.body[0..@min(token.body.len, 24)], "XML: an attribute should be name=\"value\"", .{})) |found|
        {
            if (!std.mem.eql(u8, found.name, name)) continue;
            var length: usize = 0;
            var rest = found.value;
            while (rest.len > 0) {
                var bytes: [4]u8 = undefined;
                var used: usize = 1;
                var width: usize = 1;
                bytes[0] = switch (rest[0]) {
                    '\t', '\n', '\r' => ' ',
                    else => |byte| byte,
                };
                if (rest[0] == '&') {
                    const reference = xml.reference(rest) orelse
                        return self.problem.set(.xml_syntax, start, rest[0..@min(rest.len, 12)], "XML: a reference to nothing known", .{});
                    used = reference.length;
                    width = std.unicode.utf8Encode(reference.character, &bytes) catch unreachable;
                }
                if (length + width > storage.len) {
                    return self.problem.set(.xml_syntax, start, found.value, "XML: the attribute {s} is too long", .{name});
                }
                @memcpy(storage[length..][0..width], bytes[0..width]);
                length += width;
                rest = rest[used..];
            }
            return storage[0..length];
        }
        return null;
    }

    /// Append the text of an element that holds nothing else.
    fn text(self: *Parse, element: xml.Token) Error!bool {
        if (element.kind == .empty_tag) return true;
        while (true) {
            const start = self.at;
            const token = try self.take() orelse return false;
            switch (token.kind) {
                .text => try self.characters(token.body, start, true),
                .cdata => try self.characters(token.body, start, false),
                .ignored => {},
                .end_tag => {
                    if (!std.mem.eql(u8, token.name, element.name)) return self.mismatch(start, token, element.name);
                    return true;
                },
                .start_tag, .empty_tag => {
                    // It may begin the next record.
                    self.at = start;
                    return self.problem.set(.xml_syntax, start, token.name, "XML: an element inside the text of <{s}>", .{element.name[0..@min(element.name.len, 40)]});
                },
            }
        }
    }

    const special: scan.Class = .{ .below = ' ', .others = "&" };

    /// Append characters, unescaped where `has_references`. Line ends become line feeds (section
    /// 2.11); references do not.
    fn characters(self: *Parse, body: []const u8, start: usize, has_references: bool) Error!void {
        var rest = body;
        while (true) {
            const plain = scan.indexOf(special, rest);
            try self.record.append(rest[0..plain]);
            rest = rest[plain..];
            if (rest.len == 0) return;
            switch (rest[0]) {
                '&' => if (has_references) {
                    const reference = xml.reference(rest) orelse
                        return self.problem.set(.xml_syntax, start + (body.len - rest.len), rest[0..@min(rest.len, 12)], "XML: a reference to nothing known", .{});
                    var bytes: [4]u8 = undefined;
                    const width = std.unicode.utf8Encode(reference.character, &bytes) catch unreachable;
                    try self.record.append(bytes[0..width]);
                    rest = rest[reference.length..];
                    continue;
                } else try self.record.append("&"),
                '\r' => {
                    try self.record.append("\n");
                    if (rest.len > 1 and rest[1] == '\n') rest = rest[1..];
                },
                '\n', '\t' => try self.record.append(rest[0..1]),
                else => return self.problem.set(.xml_character_forbidden, start + (body.len - rest.len), rest[0..1], "XML cannot hold the character U+{X:0>4}", .{rest[0]}),
            }
            rest = rest[1..];
        }
    }

    /// Leave out an element that is not MARC, with all that it holds.
    fn skipElement(self: *Parse, element: xml.Token, element_start: usize) Error!bool {
        var token = element;
        var start = element_start;
        var depth: usize = 0;
        while (true) {
            switch (token.kind) {
                .start_tag, .empty_tag => {
                    // Where an end tag is lost, the records behind it are none of this one's elements.
                    if (elementOf(token) == .record) {
                        self.at = start;
                        return self.problem.set(.xml_syntax, start, token.name, "XML: a record inside a record", .{});
                    }
                    // Or many that are not closed would each be followed to the end.
                    if (depth == depth_max) return self.problem.set(.xml_syntax, start, token.name, "XML: elements nested deeper than {d}", .{depth_max});
                    depth += @intFromBool(token.kind == .start_tag);
                },
                .end_tag => depth -= 1,
                else => {},
            }
            if (depth == 0) return true;
            start = self.at;
            token = try self.take() orelse return false;
        }
    }
};

test "what is not written in the usual way is read as it is" {
    const gpa = std.testing.allocator;
    const usual = "<record>\n  <leader>00000nam a22000007a 4500</leader>\n  <controlfield tag=\"001\">x</controlfield>\n" ++
        "  <datafield tag=\"245\" ind1=\"1\" ind2=\"0\">\n    <subfield code=\"a\">T</subfield>\n    <subfield code=\"b\">U</subfield>\n  </datafield>\n</record>";
    const Change = struct { []const u8, []const u8 };
    for ([_]Change{
        .{ "x", "x" },
        .{ "\n", "\r\n" },
        .{ "\n", "" },
        .{ "  ", "\t" },
        .{ "\n ", "\n <!-- x -->\n" },
        .{ "\"", "'" },
        .{ "\">", "\" >" },
        .{ " ind1", "\nind1" },
        .{ "tag=\"245\" ind1=\"1\" ind2=\"0\"", "ind1=\"1\" ind2=\"0\" tag=\"245\"" },
        .{ "tag=\"245\" ind1=\"1\" ind2=\"0\"", "ind2=\"0\" tag=\"245\" ind1=\"1\"" },
        .{ "a2", "&#97;2" },
        .{ "T", "&#84;" },
        .{ "U", "<![CDATA[U]]>" },
    }) |change| {
        const document = try std.mem.replaceOwned(u8, gpa, usual, change[0], change[1]);
        defer gpa.free(document);
        var problem: Problem = .{};
        var record: Record = .init(gpa);
        defer record.deinit();
        var reader: Reader = .{ .gpa = gpa, .problem = &problem };
        defer reader.deinit();
        try std.testing.expectEqual(Step{ .record = document.len }, try reader.next(document, true, &record));
        try std.testing.expectEqualStrings("00000nam a22000007a 4500", &record.leader);
        try std.testing.expectEqualStrings("x", record.content(record.fields.items[0]));
        try std.testing.expectEqualStrings("10\x1faT\x1fbU", record.content(record.fields.items[1]));
        try std.testing.expectEqual(@as(usize, 2), record.fields.items.len);
    }
}

test "elements that are left out are followed to a certain depth" {
    const gpa = std.testing.allocator;
    var problem: Problem = .{};
    var record: Record = .init(gpa);
    defer record.deinit();
    const before = "<record><leader>00000nam a22000007a 4500</leader><datafield tag=\"245\" ind1=\"1\" ind2=\"0\">";
    const after = "<subfield code=\"a\">T</subfield></datafield></record>";
    inline for ([_]usize{ depth_max, depth_max + 1 }) |depth| {
        const open: [depth][3]u8 = @splat("<x>".*);
        const close: [depth][4]u8 = @splat("</x>".*);
        const document = before ++ @as([3 * depth]u8, @bitCast(open)) ++ @as([4 * depth]u8, @bitCast(close)) ++ after;
        var reader: Reader = .{ .gpa = gpa, .problem = &problem };
        defer reader.deinit();
        const step = reader.next(document, true, &record);
        if (depth == depth_max) {
            try std.testing.expectEqual(Step{ .record = document.len }, try step);
            try std.testing.expectEqualStrings("10\x1faT", record.content(record.fields.items[0]));
        } else {
            try std.testing.expectError(error.Problem, step);
            try std.testing.expectEqual(@as(u64, before.len + 3 * depth_max), problem.offset_in_record);
        }
    }
}
