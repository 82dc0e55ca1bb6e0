// swift-tools-version:5.9
// The engine for Swift. CSqueezeBert.xcframework is what build_xcframework.sh makes of native/.
// Not tried yet: no Swift compiler was at hand where this was written.
import PackageDescription

let package = Package(
    name: "SqueezeBert",
    platforms: [.iOS(.v13), .macOS(.v11)],
    products: [.library(name: "SqueezeBert", targets: ["SqueezeBert"])],
    targets: [
        .binaryTarget(name: "CSqueezeBert", path: "CSqueezeBert.xcframework"),
        .target(
            name: "SqueezeBert",
            dependencies: ["CSqueezeBert"],
            linkerSettings: [.linkedLibrary("c++")]
        ),
    ]
)
