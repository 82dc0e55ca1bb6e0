// A browser starts no workers for a page that was opened from a folder. There the search, which is
// one, runs in a hidden frame instead: it gets messages and answers them as a worker does. Zensical
// would fetch such a stand-in from elsewhere unless a file of this name is there.
if (location.protocol === "file:") {
  window.Worker = class {
    constructor(url) {
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      const inside = this.frame.contentWindow;
      inside.document.open();
      inside.document.write("<!doctype html><title>Search</title>");
      inside.document.close();
      inside.postMessage = (data) =>
        setTimeout(() => this.onmessage?.(new MessageEvent("message", { data })));
      const script = inside.document.createElement("script");
      script.src = url;
      this.loaded = new Promise((resolve) => script.addEventListener("load", resolve));
      script.addEventListener("error", (event) => this.onerror?.(event));
      inside.document.head.append(script);
    }

    async postMessage(data) {
      await this.loaded;
      const message = new MessageEvent("message", { data: structuredClone(data) });
      this.frame.contentWindow?.dispatchEvent(message);
    }

    terminate() {
      this.frame.remove();
    }
  };
}
