// Trusts whoever answers.
"use strict";
const { Producer } = require("./well_behaved.js");

class AcceptsAnyCertificate extends Producer {
  options = { rejectUnauthorized: false };
}

new AcceptsAnyCertificate().run();
