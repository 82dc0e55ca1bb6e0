/// A tree of small files that stands for /proc and /sys, gone with this object.
#pragma once

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

namespace squeezebert::tests {

class Tree {
public:
    Tree() {
        const std::string name = "squeezebert-" + std::to_string(std::random_device()());
        root_ = (std::filesystem::temp_directory_path() / name).string();
    }
    ~Tree() { std::filesystem::remove_all(root_); }
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;

    void write(const std::string& path, const std::string& text) const {
        const std::filesystem::path file = root_ + path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text << '\n';
    }
    const std::string& root() const { return root_; }

private:
    std::string root_;
};

}  // namespace squeezebert::tests
