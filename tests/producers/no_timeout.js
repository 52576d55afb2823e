// Waits for an answer for ever.
"use strict";
const { Producer } = require("./well_behaved.js");

class NoTimeout extends Producer {
  timeout = undefined;
}

new NoTimeout().run();
