/** Files from the network, kept in the browser's Cache storage. */

import { SqueezeBertError } from "./errors.js";

/** How much has come; `total` is 0 where the server does not say. */
export interface Progress {
  loaded: number;
  total: number;
  /** Whether it came from the cache. */
  cached: boolean;
}

export interface DownloadOptions {
  onProgress?: (progress: Progress) => void;
  /** Keep it for the next time, and for when there is no network (true). A file that changes must
   * change its URL. */
  cache?: boolean;
  signal?: AbortSignal;
}

const CACHE = "squeezebert";

export async function download(
  url: string | URL,
  options: DownloadOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const address = String(url);
  const store = options.cache === false ? undefined : await open();
  const kept = await store?.match(address);
  const response = kept ?? (await request(address, options.signal));
  const bytes = await read(response, kept !== undefined, options.onProgress);
  if (store && !kept) {
    // A full disk or a private window is no reason to fail.
    await store.put(address, new Response(bytes.slice())).catch(() => undefined);
  }
  return bytes;
}

/** Forgets what was kept: one file, or all. */
export async function forget(url?: string | URL): Promise<void> {
  if (url === undefined) await globalThis.caches?.delete(CACHE);
  else await (await open())?.delete(String(url));
}

async function open(): Promise<Cache | undefined> {
  // Pages without https have none, nor has Node.
  return globalThis.caches?.open(CACHE).catch(() => undefined);
}

async function request(address: string, signal?: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, signal ? { signal } : {});
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new SqueezeBertError(`${address} cannot be reached: ${(error as Error).message}`);
  }
  if (!response.ok) throw new SqueezeBertError(`${address}: ${response.status} ${response.statusText}`);
  return response;
}

async function read(
  response: Response,
  cached: boolean,
  onProgress?: (progress: Progress) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  // Of a compressed transfer the length says nothing about what comes out.
  const compressed = response.headers.has("content-encoding");
  const total = compressed ? 0 : Number(response.headers.get("content-length") ?? 0);
  const parts: Uint8Array[] = [];
  let loaded = 0;
  const reader = response.body!.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    loaded += value.length;
    onProgress?.({ loaded, total, cached });
  }
  if (total > 0 && loaded !== total && !cached) {
    throw new SqueezeBertError(`the download ended after ${loaded} of ${total} bytes`);
  }
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  onProgress?.({ loaded, total: loaded, cached });
  return bytes;
}
