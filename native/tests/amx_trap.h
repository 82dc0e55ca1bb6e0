/// Runs AMX instructions on a Linux x86-64 processor that has none: each traps as illegal, and is
/// then done by EmulatedTiles. So what the compiler made of kernels/amx.cpp is tested as it is.
#pragma once

#if defined(__x86_64__) && defined(__linux__)

#include <signal.h>
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "tests/amx_emulation.h"

namespace squeezebert::tests {

/// Emulates while it lives.
class TrappedTiles {
public:
    TrappedTiles() {
        struct sigaction action = {};
        action.sa_sigaction = trap;
        action.sa_flags = SA_SIGINFO | SA_NODEFER;
        sigaction(SIGILL, &action, &before_);
    }
    ~TrappedTiles() { sigaction(SIGILL, &before_, nullptr); }
    TrappedTiles(const TrappedTiles&) = delete;
    TrappedTiles& operator=(const TrappedTiles&) = delete;

private:
    /// An instruction with the prefix VEX.128.0F38.W0, as all of AMX's have.
    struct Instruction {
        const std::uint8_t* bytes;
        greg_t* registers;

        bool is_amx() const {
            return bytes[0] == 0xc4 && (bytes[1] & 0x1f) == 2 && (bytes[2] & 0x84) == 0;
        }
        int prefix() const { return bytes[2] & 3; }  ///< 0 none, 1 66, 2 F3, 3 F2
        int opcode() const { return bytes[3]; }
        int mod() const { return bytes[4] >> 6; }
        int reg() const { return bytes[4] >> 3 & 7; }
        int rm() const { return bytes[4] & 7; }
        int vvvv() const { return ~bytes[2] >> 3 & 7; }

        greg_t get(int number) const {
            static constexpr int kOrder[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                             REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                             REG_R12, REG_R13, REG_R14, REG_R15};
            return registers[kOrder[number]];
        }
        /// The operand in memory, without its index: that is a tile's stride.
        struct Memory {
            std::byte* base;
            std::ptrdiff_t stride;
            int length;  ///< of the instruction
        };
        Memory memory() const {
            const int high_index = bytes[1] & 0x40 ? 0 : 8, high_base = bytes[1] & 0x20 ? 0 : 8;
            int length = 5, base = rm();
            std::ptrdiff_t stride = 0;
            if (rm() == 4) {
                const int sib = bytes[length++], index = (sib >> 3 & 7) + high_index;
                base = sib & 7;
                if (index != 4) stride = static_cast<std::ptrdiff_t>(get(index)) << (sib >> 6);
            }
            std::intptr_t address = 0;
            if (mod() == 0 && base == 5) {
                // Without a SIB, relative to the next instruction; with it, without a base.
                address = displacement<std::int32_t>(length);
                length += 4;
                if (rm() == 5) address += reinterpret_cast<std::intptr_t>(bytes) + length;
            } else {
                address = static_cast<std::intptr_t>(get(base + high_base));
                if (mod() == 1) address += displacement<std::int8_t>(length);
                if (mod() == 2) address += displacement<std::int32_t>(length);
                length += mod() == 1 ? 1 : mod() == 2 ? 4 : 0;
            }
            return {reinterpret_cast<std::byte*>(address), stride, length};
        }
        template <class Number>
        std::intptr_t displacement(int at) const {
            Number number;
            std::memcpy(&number, bytes + at, sizeof number);
            return number;
        }
    };

    /// LDTILECFG's operand.
    static void configure(const std::byte* operand) {
        CHECK_EQUAL(std::to_integer<int>(operand[0]), 1);  // the palette
        for (int at = 1; at < 16; ++at) CHECK_EQUAL(std::to_integer<int>(operand[at]), 0);
        EmulatedTiles::begin();
        for (int number = 0; number < 8; ++number) {
            std::uint16_t row_bytes;
            std::memcpy(&row_bytes, operand + 16 + 2 * number, sizeof row_bytes);
            const int rows = std::to_integer<int>(operand[48 + number]);
            CHECK(row_bytes <= 64 && rows <= 16);
            EmulatedTiles::tile(number).row_bytes = row_bytes;
            EmulatedTiles::tile(number).rows = rows;
        }
    }

    /// Does one instruction and returns its length; 0 where it is none of these.
    static int execute(const Instruction& instruction) {
        constexpr int k66 = 1, kF3 = 2, kF2 = 3;
        const int prefix = instruction.prefix(), opcode = instruction.opcode();
        if (!instruction.is_amx()) return 0;
        if (instruction.mod() == 3) {
            if (opcode == 0x49 && prefix == 0) {
                EmulatedTiles::end();
            } else if (opcode == 0x49 && prefix == kF2) {
                EmulatedTiles::zero(instruction.reg());
            } else if (opcode == 0x5e && prefix == kF2) {
                EmulatedTiles::dot_int8(instruction.reg(), instruction.rm(), instruction.vvvv());
            } else if (opcode == 0x5c && prefix == kF3) {
                EmulatedTiles::dot_bf16(instruction.reg(), instruction.rm(), instruction.vvvv());
            } else {
                return 0;
            }
            return 5;
        }
        const auto memory = instruction.memory();
        if (opcode == 0x49 && prefix == 0) {
            configure(memory.base + memory.stride);
        } else if (opcode == 0x4b && (prefix == kF2 || prefix == k66)) {  // as a stream, too
            EmulatedTiles::load(instruction.reg(), memory.base, memory.stride);
        } else if (opcode == 0x4b && prefix == kF3) {
            EmulatedTiles::store(instruction.reg(), memory.base, memory.stride);
        } else {
            return 0;
        }
        return memory.length;
    }

    static void trap(int, siginfo_t*, void* context) {
        greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(registers[REG_RIP]);
        int length = 0;
        try {
            length = execute({bytes, registers});
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s\n", error.what());
        }
        if (length == 0) std::abort();  // an exception cannot leave here
        registers[REG_RIP] += length;
    }

    struct sigaction before_ = {};
};

}  // namespace squeezebert::tests

#endif
