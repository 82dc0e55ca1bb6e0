// The page's own files and the package's scripts for when there is no network: the newest that came.
// Models and the engine's module are kept by the package (web/src/download.ts).

const CACHE = "playground";
const SHELL = ["./", "style.css", "icon.svg", "main.js", "models.js", "elements.js", "keyboard.js", "news.js", "names.js", "race.js", "models.json"];

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      // The package may have been loaded before this worker could see it, so it is asked for again.
      const { engineScripts } = await (await fetch("models.json")).json();
      await (await caches.open(CACHE)).addAll([...SHELL, ...engineScripts]);
    })(),
  );
  self.skipWaiting();
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname, origin } = new URL(request.url);
  const kept = pathname.endsWith(".safetensors") || pathname.endsWith(".wasm");
  if (request.method !== "GET" || origin !== location.origin || kept) return;
  event.respondWith(
    (async () => {
      const cache = await caches.open(CACHE);
      try {
        const response = await fetch(request);
        if (response.ok) await cache.put(request, response.clone());
        return response;
      } catch (error) {
        const known = await cache.match(request, { ignoreSearch: true });
        if (known) return known;
        throw error;
      }
    })(),
  );
});
