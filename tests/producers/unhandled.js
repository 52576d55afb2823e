// Does not handle errors of the connection: the process dies of the first.
"use strict";
const { Producer } = require("./well_behaved.js");

class Unhandled extends Producer {
  async deliver(body) {
    await this.post(body);
  }
}

new Unhandled().run();
