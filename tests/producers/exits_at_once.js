// Ends the process when the job is over, whatever is still to be sent.
"use strict";
const { Producer } = require("./well_behaved.js");

class ExitsAtOnce extends Producer {
  sent = Promise.resolve();

  async emit(eventType, runFacets) {
    const body = JSON.stringify(this.event(eventType, runFacets));
    this.sent = this.sent.then(() => this.deliver(body));
  }

  async run() {
    await super.run();
    setTimeout(() => process.exit(), 900);
  }
}

new ExitsAtOnce().run();
