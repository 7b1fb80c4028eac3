//! JSON (RFC 8259) in each form that MARC comes in: MARC-in-JSON objects, mrrc's flat arrays, its
//! older flat form with subfields as a dictionary; one after the other with any white space, one a
//! line, or as the elements of an array. Keys may come in any order, keys that are not MARC's are
//! left out.

const std = @import("std");
const iso2709 = @import("iso2709.zig");
const scan = @import("scan.zig");
const utf8 = @import("utf8.zig");
const record_module = @import("record.zig");
const problem_module = @import("problem.zig");
const Error = problem_module.Error;
const Problem = problem_module.Problem;
const Record = record_module.Record;
const Resync = record_module.Resync;
const Step = record_module.Step;
const Tag = record_module.Tag;
const Usual = @import("usual.zig").Usual;

/// How deep the values may be nested that are left out.
const depth_max = 100;

pub const Reader = struct {
    problem: *Problem,
    /// Inside the array that holds the records.
    in_array: bool = false,
    /// Inside it a comma or the array's end is due.
    after_value: bool = false,
    is_damaged: bool = false,

    /// Take a record, or what stands before one, from the start of `data`.
    pub fn next(self: *Reader, data: []const u8, final: bool, record: *Record) Error!Step {
        var at: usize = 0;
        while (at < data.len) switch (data[at]) {
            ' ', '\t', '\r', '\n' => at += 1,
            else => break,
        };
        if (at > 0) return .{ .skip = at };
        if (data.len == 0) {
            if (!final) return .need_more;
            if (self.in_array and !self.is_damaged) {
                self.is_damaged = true;
                return self.problem.set(.truncated_record, 0, "", "JSON: the document ends inside its array", .{});
            }
            return .end;
        }
        switch (data[0]) {
            ',' => if (self.after_value or self.is_damaged) {
                self.after_value = false;
                return .{ .skip = 1 };
            },
            ']' => if (self.in_array or self.is_damaged) {
                self.in_array = false;
                self.after_value = false;
                return .{ .skip = 1 };
            },
            '[' => if (!self.in_array) {
                // An array of records, or one record in the flat form: its first element tells.
                switch (try self.isFlatRecord(data, final)) {
                    .need_more => return .need_more,
                    .no => {
                        self.in_array = true;
                        return .{ .skip = 1 };
                    },
                    .yes => {},
                }
            },
            else => {},
        }
        if (self.after_value and self.in_array and !self.is_damaged) {
            return self.problem.set(.json_syntax, 0, data[0..@min(data.len, 12)], "JSON: a comma or ] should follow an element", .{});
        }
        var parse: Parse = .{ .problem = self.problem, .record = record, .data = data, .final = final };
        parse.run() catch |err| switch (err) {
            error.NeedMore => return .need_more,
            else => |other| return other,
        };
        self.after_value = self.in_array;
        return .{ .record = parse.at };
    }

    const Verdict = enum { yes, no, need_more };

    /// Does the array begin with an object that holds nothing but a leader?
    fn isFlatRecord(self: *Reader, data: []const u8, final: bool) Error!Verdict {
        var parse: Parse = .{ .problem = self.problem, .record = undefined, .data = data, .final = final };
        const found = parse.firstIsLeaderAlone() catch |err| switch (err) {
            error.NeedMore => return .need_more,
            // Whatever is wrong is reported when it is read.
            error.Problem => return .no,
            error.OutOfMemory => return error.OutOfMemory,
        };
        return if (found) .yes else .no;
    }

    /// Behind a problem: how many bytes to leave out to come to where a record may begin, looked for
    /// from `from` on, and whether there it is. Called again with what follows until it is found or
    /// nothing is left.
    pub fn resync(self: *Reader, data: []const u8, from: usize, final: bool) Resync {
        self.is_damaged = true;
        var at = from;
        while (std.mem.indexOfAnyPos(u8, data, at, "{[")) |start| : (at = start + 1) {
            // A line that begins so begins a value of its own in every layout but the indented.
            if (start > from and data[start - 1] == '\n') return .{ .skip = start, .found = true };
            const is_flat = data[start] == '[';
            var inner = start + 1 + blankLength(data[start + 1 ..]);
            if (is_flat and inner < data.len and data[inner] == '{') inner += 1 + blankLength(data[inner + 1 ..]);
            const rest = data[inner..];
            const key_length = "\"leader\"".len;
            // The leader of the damaged flat record itself begins no other.
            if (start == from and start > 0 and data[start - 1] == '[') continue;
            // What is cut by the end of the input is judged when more of it is there.
            if (rest.len < key_length and !final) return .{ .skip = start, .found = false };
            if (std.mem.startsWith(u8, rest, "\"leader\"") or (!is_flat and std.mem.startsWith(u8, rest, "\"fields\""))) {
                return .{ .skip = start, .found = true };
            }
        }
        // A line's end stays in sight until it is known what the next begins with.
        const is_line_cut = !final and data.len > from and data[data.len - 1] == '\n';
        return .{ .skip = data.len - @intFromBool(is_line_cut), .found = final };
    }
};

fn blankLength(data: []const u8) usize {
    for (data, 0..) |byte, index| if (std.mem.indexOfScalar(u8, " \t\r\n", byte) == null) return index;
    return data.len;
}

const ParseError = Error || error{NeedMore};

/// The reading of one record.
const Parse = struct {
    problem: *Problem,
    record: *Record,
    data: []const u8,
    at: usize = 0,
    final: bool,
    has_leader: bool = false,

    fn syntax(self: *Parse, comptime what: []const u8) error{Problem} {
        const found = self.data[@min(self.at, self.data.len)..@min(self.data.len, self.at + 12)];
        return self.problem.set(.json_syntax, self.at, found, "{s}", .{"JSON: " ++ what});
    }

    fn structure(self: *Parse, at: usize, comptime what: []const u8) error{Problem} {
        const found = self.data[@min(at, self.data.len)..@min(self.data.len, at + 12)];
        return self.problem.set(.json_structure, at, found, "{s}", .{"JSON: " ++ what});
    }

    /// The next byte that is not white space, not taken.
    fn peek(self: *Parse) ParseError!u8 {
        while (self.at < self.data.len) : (self.at += 1) switch (self.data[self.at]) {
            ' ', '\t', '\r', '\n' => {},
            else => |byte| return byte,
        };
        return self.cut();
    }

    fn cut(self: *Parse) ParseError {
        if (!self.final) return error.NeedMore;
        return self.problem.set(.truncated_record, self.data.len, "", "JSON: the document ends inside a record", .{});
    }

    fn expect(self: *Parse, comptime byte: u8) ParseError!void {
        if (try self.peek() != byte) return self.syntax(.{byte} ++ " was expected");
        self.at += 1;
    }

    /// Behind an element: true when a comma leads to another, false when `end` ends them.
    fn more(self: *Parse, comptime end: u8) ParseError!bool {
        const byte = try self.peek();
        if (byte != ',' and byte != end) return self.syntax(", or " ++ .{end} ++ " was expected");
        self.at += 1;
        return byte == ',';
    }

    /// Take the opening bracket; true when there is an element before the closing one.
    fn open(self: *Parse, comptime start: u8, comptime end: u8) ParseError!bool {
        try self.expect(start);
        if (try self.peek() != end) return true;
        self.at += 1;
        return false;
    }

    fn run(self: *Parse) ParseError!void {
        self.record.reset();
        switch (try self.peek()) {
            '{' => try self.marcInJson(),
            '[' => try self.fields(),
            else => return self.syntax("a record should be an object or an array"),
        }
        if (!self.has_leader) return self.structure(0, "the record has no leader");
        const text = self.data[0..self.at];
        if (utf8.indexOfInvalid(text)) |index| {
            return self.problem.set(.utf8_invalid, index, text[index..@min(index + 4, text.len)], "the text is not UTF-8", .{});
        }
        self.record.seal();
    }

    fn marcInJson(self: *Parse) ParseError!void {
        var has_fields = false;
        if (try self.open('{', '}')) while (true) {
            const start = self.at;
            const key = try self.rawString();
            try self.expect(':');
            if (std.mem.eql(u8, key, "leader")) {
                try self.leader();
            } else if (std.mem.eql(u8, key, "fields") and !has_fields) {
                has_fields = true;
                try self.fields();
            } else if (std.mem.eql(u8, key, "fields")) {
                return self.structure(start, "the record has fields twice");
            } else try self.skipValue(0);
            if (!try self.more('}')) break;
        };
        if (!has_fields) return self.structure(0, "the record has no fields");
    }

    /// The array of them; in the flat form that of the leader, too.
    fn fields(self: *Parse) ParseError!void {
        if (try self.open('[', ']')) while (true) {
            if (try self.takeUsual("") or try self.takeUsual(" ")) break;
            try self.fieldObject();
            if (!try self.more(']')) break;
        };
    }

    /// Take fields that are written in the usual way, up to what is not, with so many blanks behind
    /// commas and colons. True: and the end of the array behind them.
    fn takeUsual(self: *Parse, comptime blank: []const u8) ParseError!bool {
        const record = self.record;
        var usual: Usual = try .of(self.data, self.at, record);
        while (true) {
            const start = usual.text.at;
            usual.skipBlanks(blank);
            const tag = try takeField(&usual, blank);
            const is_last = usual.take("]") != null;
            if (tag == null or !(is_last or usual.take(",") != null)) {
                usual.text.at = start;
                usual.text.leave();
                return false;
            }
            try record.addField(.{ .tag = tag.?, .start = @intCast(start), .end = @intCast(usual.text.at) });
            self.at = usual.at;
            if (is_last) {
                usual.text.leave();
                return true;
            }
        }
    }

    const special: scan.Class = .{ .below = ' ', .others = "\"\\" };
    const special_in_tag: scan.Class = .{ .below = ' ' + 1, .others = special.others };

    inline fn takeField(usual: *Usual, comptime blank: []const u8) Error!?Tag {
        const head = usual.take("{\"000\":" ++ blank) orelse return null;
        const tag = head[2..5].*;
        if (record_module.isControlTag(tag)) {
            return if (usual.take("\"") != null and try usual.takeText(special, "\"}")) tag else null;
        }
        const ind1 = "{\"ind1\":" ++ blank ++ "\"";
        const ind2 = "0\"," ++ blank ++ "\"ind2\":" ++ blank ++ "\"";
        const rest = usual.take(ind1 ++ ind2 ++ "0\"," ++ blank ++ "\"subfields\":" ++ blank ++ "[") orelse return null;
        const indicators = [2]u8{ rest[ind1.len], rest[ind1.len + ind2.len] };
        if (!scan.isPlain(special_in_tag, &tag) or !scan.isPlain(special, &indicators)) return null;
        try usual.beginField(indicators);
        if (usual.take("]}}") != null) return tag;
        while (true) {
            const start = usual.take("{\"0\":" ++ blank ++ "\"") orelse return null;
            if (!scan.isPlain(special, start[2..3])) return null;
            usual.beginSubfield(start[2]);
            if (!try usual.takeText(special, "\"}")) return null;
            if (usual.take("," ++ blank) == null) break;
        }
        return if (usual.take("]}}") != null) tag else null;
    }

    fn firstIsLeaderAlone(self: *Parse) ParseError!bool {
        self.at = 1;
        if (try self.peek() != '{') return false;
        self.at += 1;
        if (try self.peek() != '"' or !std.mem.eql(u8, try self.rawString(), "leader")) return false;
        try self.expect(':');
        if (try self.peek() != '"') return false;
        _ = try self.rawString();
        return try self.peek() == '}';
    }

    /// One or more fields as `tag: value`; in the flat form the leader, too.
    fn fieldObject(self: *Parse) ParseError!void {
        if (try self.open('{', '}')) while (true) {
            const start = self.at;
            const mark = self.record.text.length();
            const key = try self.tagString();
            const is_leader = std.mem.eql(u8, key, "leader");
            var tag: Tag = "000".*;
            if (key.len > 0 and key.len < 3 and std.mem.indexOfNone(u8, key, "0123456789") == null) {
                @memcpy(tag[3 - key.len ..], key);
            } else if (record_module.isTag(key)) {
                tag = key[0..3].*;
            } else if (!is_leader) {
                return self.problem.set(.tag_invalid, start, key, "a tag should be three printable ASCII characters", .{});
            }
            self.record.text.shrink(mark);
            try self.expect(':');
            if (is_leader) {
                try self.leader();
            } else {
                self.field(tag) catch |err| {
                    if (err == error.Problem) self.problem.setTag(tag);
                    return err;
                };
            }
            if (!try self.more('}')) break;
        };
    }

    fn leader(self: *Parse) ParseError!void {
        const start = self.at;
        const mark = self.record.text.length();
        if (try self.peek() != '"') return self.structure(start, "the leader should be a string");
        try self.string(.control);
        const found = self.record.text.items()[mark..];
        if (found.len != record_module.leader_length or self.has_leader or !iso2709.isSoundLeader(found[0..record_module.leader_length])) {
            return self.problem.set(.leader_invalid, start, found, "a record has one leader, of 24 ASCII characters", .{});
        }
        @memcpy(&self.record.leader, found);
        self.record.text.shrink(mark);
        self.has_leader = true;
    }

    fn field(self: *Parse, tag: Tag) ParseError!void {
        try self.record.beginField(tag);
        const start = self.at;
        switch (try self.peek()) {
            '"' => {
                if (!record_module.isControlTag(tag)) return self.structure(start, "a field with this tag should be an object");
                try self.string(.control);
            },
            '{' => {
                if (record_module.isControlTag(tag)) return self.structure(start, "a control field should be a string");
                try self.dataField();
            },
            else => return self.structure(start, "a field should be a string or an object"),
        }
        self.record.endField();
    }

    fn dataField(self: *Parse) ParseError!void {
        const mark = self.record.text.length();
        try self.record.append("  ");
        if (try self.open('{', '}')) while (true) {
            const key = try self.rawString();
            try self.expect(':');
            if (std.mem.eql(u8, key, "ind1")) {
                try self.indicator(mark);
            } else if (std.mem.eql(u8, key, "ind2")) {
                try self.indicator(mark + 1);
            } else if (std.mem.eql(u8, key, "subfields")) {
                try self.subfields();
            } else try self.skipValue(0);
            if (!try self.more('}')) break;
        };
    }

    fn indicator(self: *Parse, index: usize) ParseError!void {
        const start = self.at;
        if (try self.peek() != '"') return self.structure(start, "an indicator should be a string");
        const mark = self.record.text.length();
        try self.string(.value);
        const found = self.record.text.items()[mark..];
        if (found.len > 1 or (found.len == 1 and !record_module.isIndicator(found[0]))) {
            return self.problem.set(.indicators_invalid, start, found, "an indicator should be one ASCII character", .{});
        }
        if (found.len == 1) self.record.text.items()[index] = found[0];
        self.record.text.shrink(mark);
    }

    /// An array of one-key objects, or mrrc's older dictionary of strings or arrays of strings.
    fn subfields(self: *Parse) ParseError!void {
        if (try self.peek() == '{') return self.subfieldObject();
        if (try self.open('[', ']')) while (true) {
            try self.subfieldObject();
            if (!try self.more(']')) break;
        };
    }

    fn subfieldObject(self: *Parse) ParseError!void {
        if (try self.open('{', '}')) while (true) {
            const start = self.at;
            const mark = self.record.text.length();
            try self.record.append(&.{record_module.subfield_delimiter});
            if (try self.peek() != '"') return self.syntax("a subfield code in quotes was expected");
            try self.string(.value);
            // The code may lie elsewhere by the time the values are appended: remember where it is.
            const code_length = self.record.text.length() - mark - 1;
            const code = self.record.text.items()[mark + 1 ..];
            if (!record_module.isCode(code)) {
                return self.problem.set(.subfield_code_invalid, start, code, "a subfield code should be one character", .{});
            }
            try self.expect(':');
            switch (try self.peek()) {
                '"' => try self.string(.value),
                '[' => try self.repeatedValues(mark, 1 + code_length),
                else => return self.structure(self.at, "a subfield should be a string"),
            }
            if (!try self.more('}')) break;
        };
    }

    /// `{"a": ["one", "two"]}`: the delimiter and code that stand at `mark` once for each value.
    fn repeatedValues(self: *Parse, mark: usize, length: usize) ParseError!void {
        var head: [1 + 4]u8 = undefined;
        @memcpy(head[0..length], self.record.text.items()[mark..][0..length]);
        self.record.text.shrink(mark);
        if (try self.open('[', ']')) while (true) {
            if (try self.peek() != '"') return self.structure(self.at, "a subfield should be a string");
            try self.record.append(head[0..length]);
            try self.string(.value);
            if (!try self.more(']')) break;
        };
    }

    /// A key that may be a tag, and so hold a quote or a backslash: those are appended to the text.
    fn tagString(self: *Parse) ParseError![]const u8 {
        const start = self.at;
        const raw = try self.rawString();
        if (std.mem.indexOfScalar(u8, raw, '\\') == null) return raw;
        const mark = self.record.text.length();
        self.at = start;
        _ = try self.peek();
        try self.string(.value);
        return self.record.text.items()[mark..];
    }

    /// A key, whose escapes are of no interest: MARC's keys have none. Its bytes between the quotes.
    fn rawString(self: *Parse) ParseError![]const u8 {
        if (try self.peek() != '"') return self.syntax("a key in quotes was expected");
        const start = self.at + 1;
        var at = start;
        while (true) {
            at += scan.indexOf(special, self.data[at..]);
            if (at >= self.data.len) return self.cut();
            switch (self.data[at]) {
                '"' => break,
                '\\' => at += 2,
                else => return self.controlCharacter(at),
            }
            if (at > self.data.len) return self.cut();
        }
        self.at = at + 1;
        return self.data[start..at];
    }

    fn controlCharacter(self: *Parse, at: usize) error{Problem} {
        return self.problem.set(.json_syntax, at, self.data[at..][0..1], "JSON: a control character should be escaped", .{});
    }

    const Kind = enum { control, value };

    /// Append the string that stands here. In a value no delimiter of ISO 2709 may occur, in a
    /// control field the subfield delimiter may.
    fn string(self: *Parse, kind: Kind) ParseError!void {
        self.at += 1;
        while (true) {
            const rest = self.data[self.at..];
            const plain = scan.indexOf(special, rest);
            try self.record.append(rest[0..plain]);
            self.at += plain;
            if (plain == rest.len) return self.cut();
            switch (rest[plain]) {
                '"' => {
                    self.at += 1;
                    return;
                },
                '\\' => try self.escape(kind),
                else => return self.controlCharacter(self.at),
            }
        }
    }

    fn escape(self: *Parse, kind: Kind) ParseError!void {
        const rest = self.data[self.at..];
        if (rest.len < 2) return self.cut();
        const byte: u8 = switch (rest[1]) {
            '"', '\\', '/' => |byte| byte,
            'b' => 8,
            'f' => 12,
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicodeEscape(kind),
            else => return self.syntax("an unknown escape in a string"),
        };
        try self.record.append(&.{byte});
        self.at += 2;
    }

    fn unicodeEscape(self: *Parse, kind: Kind) ParseError!void {
        const start = self.at;
        var character: u21 = try self.hexDigits();
        if (character >= 0xd800 and character < 0xdc00) {
            if (self.data.len - self.at < 6 and !self.final) return error.NeedMore;
            if (std.mem.startsWith(u8, self.data[self.at..], "\\u")) {
                const low = try self.hexDigits();
                if (low >= 0xdc00 and low < 0xe000) {
                    character = 0x10000 + (@as(u21, character - 0xd800) << 10) + (low - 0xdc00);
                }
            }
        }
        if (character >= 0xd800 and character < 0xe000) {
            return self.problem.set(.json_syntax, start, self.data[start..@min(start + 6, self.data.len)], "JSON: half of a surrogate pair is no character", .{});
        }
        if (character >= 0x1d and character <= 0x1f and !(kind == .control and character == 0x1f)) {
            return self.problem.set(.delimiter_in_data, start, self.data[start..][0..6], "a delimiter of ISO 2709 cannot stand in a value", .{});
        }
        var bytes: [4]u8 = undefined;
        const length = std.unicode.utf8Encode(character, &bytes) catch unreachable;
        try self.record.append(bytes[0..length]);
    }

    /// Take `\uXXXX`.
    fn hexDigits(self: *Parse) ParseError!u16 {
        const rest = self.data[self.at..];
        if (rest.len < 6) return self.cut();
        var value: u16 = 0;
        for (rest[2..6]) |byte| {
            value = value << 4 | (std.fmt.charToDigit(byte, 16) catch return self.syntax("\\u should have four hexadecimal digits"));
        }
        self.at += 6;
        return value;
    }

    /// Leave out a value of any kind.
    fn skipValue(self: *Parse, depth: usize) ParseError!void {
        if (depth == depth_max) return self.syntax("values nested too deep");
        switch (try self.peek()) {
            '"' => _ = try self.rawString(),
            '{' => if (try self.open('{', '}')) while (true) {
                _ = try self.rawString();
                try self.expect(':');
                try self.skipValue(depth + 1);
                if (!try self.more('}')) break;
            },
            '[' => if (try self.open('[', ']')) while (true) {
                try self.skipValue(depth + 1);
                if (!try self.more(']')) break;
            },
            '-', '0'...'9', 't', 'f', 'n' => {
                const length = for (self.data[self.at..], 0..) |byte, index| switch (byte) {
                    '-', '+', '.', '0'...'9', 'a'...'z', 'E' => {},
                    else => break index,
                } else return self.cut();
                self.at += length;
            },
            else => return self.syntax("a value was expected"),
        }
    }
};

fn expectRead(data: []const u8, expected_content: []const u8) !void {
    const gpa = std.testing.allocator;
    var problem: Problem = .{};
    var record: Record = .init(gpa);
    defer record.deinit();
    // Cut anywhere, the record is not read before it is whole.
    for (0..data.len) |length| {
        var reader: Reader = .{ .problem = &problem };
        var at: usize = 0;
        while (true) switch (try reader.next(data[at..length], false, &record)) {
            .skip => |count| at += count,
            .need_more => break,
            else => return error.TestUnexpectedResult,
        };
    }
    var reader: Reader = .{ .problem = &problem };
    var at: usize = 0;
    while (true) switch (try reader.next(data[at..], true, &record)) {
        .skip => |count| at += count,
        .record => break,
        else => return error.TestUnexpectedResult,
    };
    try std.testing.expectEqualStrings(expected_content, record.content(record.fields.items[record.fields.items.len - 1]));
}

test "every form is read" {
    const leader = "\"leader\":\"00000nam a22000007a 4500\"";
    try expectRead("{" ++ leader ++ ",\"fields\":[{\"001\":\"a\\u00e9\\ud83d\\ude00\"}]}", "aé😀");
    try expectRead(" [ {\"x\":[1,{}],\"fields\":[{\"245\":{\"subfields\":[{\"a\":\"T\"},{\"b\":\"\"}],\"ind1\":\"1\"}}]," ++ leader ++ "}", "1 \x1faT\x1fb");
    try expectRead("[{" ++ leader ++ "},{\"245\":{\"ind1\":\"1\",\"ind2\":\"0\",\"subfields\":{\"a\":\"T\",\"c\":[\"x\",\"y\"]}}}]", "10\x1faT\x1fcx\x1fcy");
}

test "what is not written in the usual way is read and reported as it is" {
    const gpa = std.testing.allocator;
    const head = "{\"leader\":\"00000nam a22000007a 4500\",\"fields\":[";
    const field = "{\"245\":{\"ind1\":\"1\",\"ind2\":\"0\",\"subfields\":[{\"a\":\"T\"},{\"b\":\"U\"}]}}";
    // Blanks anywhere, in one field and not in the next, and escapes.
    for (0..field.len) |at| if (std.mem.indexOfScalar(u8, "{}[]:,", field[at]) != null) {
        var buffer: [500]u8 = undefined;
        try expectRead(try std.fmt.bufPrint(&buffer, "{s}{s},{s} \n{s}]}}", .{ head, field, field[0..at], field[at..] }), "10\x1faT\x1fbU");
    };
    try expectRead(head ++ field ++ ",{\"245\": {\"ind1\": \"1\", \"ind2\": \"0\", \"subfields\": [{\"a\": \"T\\n\"}, {\"b\": \"U\"}]}}]}", "10\x1faT\n\x1fbU");
    try expectRead(head ++ field ++ ",{\"001\":\"x\"}]}", "x");
    for ([_][]const u8{
        field ++ ",]}",
        field ++ " " ++ field ++ "]}",
        "{\"245\":{\"ind1\":\"1\",\"ind2\":\"0\",\"subfields\":[{\"a\":\"T\"},]}}]}",
        "{\"245\":{\"ind1\":\"1\",\"ind2\":\"0\",\"subfields\":[,{\"a\":\"T\"}]}}]}",
        "{\"245\":\"x\"}]}",
        "{\"001\":{\"ind1\":\"1\",\"ind2\":\"0\",\"subfields\":[]}}]}",
        "{\"24 \":{\"ind1\":\"1\",\"ind2\":\"0\",\"subfields\":[]}}]}",
    }) |fields| {
        var problem: Problem = .{};
        var record: Record = .init(gpa);
        defer record.deinit();
        var reader: Reader = .{ .problem = &problem };
        var buffer: [500]u8 = undefined;
        try std.testing.expectError(error.Problem, reader.next(try std.fmt.bufPrint(&buffer, "{s}{s}", .{ head, fields }), true, &record));
    }
}

test "a tag may hold what JSON escapes" {
    const fields = "{\"leader\":\"00000nam a22000007a 4500\",\"fields\":[{\"0\\\"7\":{\"ind1\":\"1\"}},{\"\\u0032\\\\5\":{\"ind1\":\"2\"}}]}";
    try expectRead(fields, "2 ");
    const gpa = std.testing.allocator;
    var problem: Problem = .{};
    var record: Record = .init(gpa);
    defer record.deinit();
    var reader: Reader = .{ .problem = &problem };
    _ = try reader.next(fields, true, &record);
    try std.testing.expectEqualStrings("0\"7", &record.fields.items[0].tag);
    try std.testing.expectEqualStrings("1 ", record.content(record.fields.items[0]));
    try std.testing.expectEqualStrings("2\\5", &record.fields.items[1].tag);
}

test "the search behind damage comes to the same place however the input is cut" {
    // The input, how much of it shows the damage, and where the next record may begin.
    for ([_]struct { []const u8, usize, usize }{
        // The damaged record's own leader, then a line that begins a value.
        .{ "[{\"leader\":1}]\n[{\"001\":\"x\"}]", 12, 15 },
        .{ "{\"x\":&\n\r\n{\"x\":{\"fields\":[]}}", 6, 9 },
        .{ "[{\"leader\":1,{\"leader\":2}]", 12, 13 },
        .{ "{\"x\":&, { \"leader\":\"y\"}", 6, 8 },
        // Of many that open only the last has the key.
        .{ "{\"x\":&{ {\"leader\":\"y\"}", 6, 8 },
    }) |case| {
        const data, const damaged, const expected = case;
        for (damaged..data.len + 1) |shown_first| for (1..data.len) |size| {
            var problem: Problem = .{};
            var reader: Reader = .{ .problem = &problem };
            var at: usize = 0;
            var shown = shown_first;
            const found = while (true) : (shown = @min(shown + size, data.len)) {
                // Only the first call stands at the damaged record itself.
                const from: usize = @intFromBool(at == 0);
                const sync = reader.resync(data[at..shown], from, shown == data.len);
                at += sync.skip;
                if (sync.found) break at;
            };
            try std.testing.expectEqual(expected, found);
        };
    }
}
