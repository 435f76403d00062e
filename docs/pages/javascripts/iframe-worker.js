// Browsers start no workers on pages that were opened from a folder. Search needs one, so that there
// its script runs in a hidden frame.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    #inside;
    #loaded;

    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      this.#inside = frame.contentWindow;
      // Otherwise Firefox replaces the document once more.
      this.#inside.document.open();
      this.#inside.document.write("<!doctype html><title>Worker</title><body>");
      this.#inside.document.close();
      this.#inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      const script = this.#inside.document.createElement("script");
      script.src = new URL(url, location.href);
      this.#loaded = new Promise((resolve) => script.addEventListener("load", resolve));
      this.#inside.document.body.append(script);
    }

    async postMessage(data) {
      await this.#loaded;
      this.#inside.dispatchEvent(new MessageEvent("message", { data }));
    }
  };
}
