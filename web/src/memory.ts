/** The engine's memory: texts and structures of C, as a 32-bit module lays them out. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Memory {
  constructor(
    private readonly memory: WebAssembly.Memory,
    private readonly malloc: (bytes: number) => number,
    readonly free: (at: number) => void,
  ) {}

  /** Views go stale when the memory grows, so each access makes its own. */
  private get view(): DataView {
    return new DataView(this.memory.buffer);
  }

  allocate(bytes: number): number {
    const at = this.malloc(Math.max(bytes, 1)) >>> 0;
    if (at === 0) throw new RangeError(`no memory for ${bytes} bytes`);
    return at;
  }

  /** A copy of `bytes`; the caller frees it. */
  put(bytes: Uint8Array): number {
    const at = this.allocate(bytes.length);
    new Uint8Array(this.memory.buffer).set(bytes, at);
    return at;
  }

  /** Calls `body` with a text's address and length, and frees it afterwards. */
  withText<T>(text: string, body: (at: number, bytes: number) => T): T {
    const bytes = encoder.encode(text);
    const at = this.put(bytes);
    try {
      return body(at, bytes.length);
    } finally {
      this.free(at);
    }
  }

  u32(at: number): number {
    return this.view.getUint32(at, true);
  }
  i32(at: number): number {
    return this.view.getInt32(at, true);
  }
  f32(at: number): number {
    return this.view.getFloat32(at, true);
  }
  f64(at: number): number {
    return this.view.getFloat64(at, true);
  }
  setU32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }

  /** The text at an address that ends with a NUL. */
  text(at: number): string {
    const bytes = new Uint8Array(this.memory.buffer);
    return decoder.decode(bytes.slice(at, bytes.indexOf(0, at)));
  }

  /** `count` structures of `size` bytes each. */
  list<T>(at: number, count: number, size: number, read: (at: number) => T): T[] {
    return Array.from({ length: count }, (_, i) => read(at + i * size));
  }
}
