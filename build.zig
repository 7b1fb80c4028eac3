//! For working on the core, and for programs in C: `zig build` makes the shared and the static library
//! with their header, `zig build test` runs the tests of the Zig files. The Python package is built by hatch_build.py, which calls the compiler
//! directly.

const std = @import("std");

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{ .default_target = .{ .cpu_model = .baseline } });
    const optimize = b.option(std.builtin.Optimize, "opt", "debug, safe, fast or small (fast)") orelse .fast;

    for ([_]std.builtin.LinkMode{ .dynamic, .static }) |linkage| {
        const library = b.addLibrary(.{ .name = "mrrc_ct", .linkage = linkage, .root_module = b.createModule(.{
            .root_source_file = b.path("zig/abi.zig"),
            .target = target,
            .optimize = optimize,
            .link_libc = true,
            .strip = optimize == .fast,
            .pic = true,
        }) });
        if (target.result.cpu.arch == .x86_64) {
            // What cpu.zig chooses where the processor can do more than the baseline.
            var query = target.query;
            query.cpu_model = .{ .explicit = &std.Target.x86.cpu.x86_64_v3 };
            library.root_module.addObject(b.addObject(.{ .name = "canonical_v3", .root_module = b.createModule(.{
                .root_source_file = b.path("zig/canonical_v3.zig"),
                .target = b.resolveTargetQuery(query),
                .optimize = optimize,
                .strip = optimize == .fast,
                .pic = true,
            }) }));
        }
        library.installHeader(b.path("zig/mrrc.h"), "mrrc.h");
        b.installArtifact(library);
    }

    const tests = b.addTest(.{ .root_module = b.createModule(.{
        .root_source_file = b.path("zig/abi.zig"),
        .target = target,
        .optimize = .debug,
        .link_libc = true,
    }) });
    b.step("test", "Run the core's own tests").dependOn(&b.addRunArtifact(tests).step);
}
