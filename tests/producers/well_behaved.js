// A producer that does everything right, with Node's standard library. The others beside it change one thing of it.
// Host and key come from MOCK_INTAKE_URL and MOCK_INTAKE_KEY; --fail lets the job fail.
"use strict";
const http = require("node:http");
const https = require("node:https");
const { randomUUID } = require("node:crypto");

const CODE = "https://github.com/acme/etl";
const FACETS = "https://openlineage.io/spec/facets";
const facet = (name, version, fields) => ({
  _producer: CODE,
  _schemaURL: `${FACETS}/${version}/${name}.json#/$defs/${name}`,
  ...fields,
});
const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

class Producer {
  attempts = 4;
  timeout = 2000;
  options = {};
  url = new URL(process.env.MOCK_INTAKE_URL + "/api/v1/lineage");
  runId = randomUUID();

  event(eventType, runFacets = {}) {
    const jobType = { processingType: "BATCH", integration: "CUSTOM", jobType: "JOB" };
    return {
      eventType,
      eventTime: new Date().toISOString(),
      producer: CODE,
      schemaURL: "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
      run: { runId: this.runId, facets: runFacets },
      job: { namespace: "prod", name: "load_orders", facets: { jobType: facet("JobTypeJobFacet", "2-0-3", jobType) } },
      inputs: [],
      outputs: [],
    };
  }

  post(body) {
    return new Promise((done, failed) => {
      const headers = {
        Authorization: `Bearer ${process.env.MOCK_INTAKE_KEY}`,
        "Content-Type": "application/json",
        "Content-Length": Buffer.byteLength(body),
      };
      const client = this.url.protocol === "https:" ? https : http;
      const options = { method: "POST", headers, timeout: this.timeout, agent: false, ...this.options };
      const request = client.request(this.url, options, (answer) => {
        answer.resume();
        answer.on("end", () => done(answer));
        answer.on("error", failed);
      });
      request.on("timeout", () => request.destroy(new Error("no answer in time")));
      request.on("error", failed);
      request.end(body);
    });
  }

  wait(attempt, answer) {
    if (answer && ![429, 500, 502, 503, 504].includes(answer.statusCode)) return null;
    const asked = Number(answer?.headers["retry-after"] ?? 0);
    return asked > 10 ? null : Math.max(asked, 0.1 * 2 ** attempt);
  }

  async deliver(body) {
    for (let attempt = 0; attempt < this.attempts; attempt++) {
      const answer = await this.post(body).catch((error) => console.error("attempt", attempt, error.code));
      if (answer?.statusCode >= 200 && answer?.statusCode < 300) return;
      const wait = this.wait(attempt, answer);
      if (wait === null) break;
      await sleep(wait);
    }
    console.error("an event was lost");
  }

  async emit(eventType, runFacets) {
    await this.deliver(JSON.stringify(this.event(eventType, runFacets)));
  }

  async run() {
    await this.emit("START");
    await this.emit("RUNNING");
    if (process.argv.includes("--fail")) {
      const errorMessage = { message: "no orders", programmingLanguage: "JavaScript" };
      await this.emit("FAIL", { errorMessage: facet("ErrorMessageRunFacet", "1-0-1", errorMessage) });
      process.exitCode = 3;
    } else {
      await this.emit("COMPLETE");
    }
  }
}

module.exports = { Producer };
if (require.main === module) new Producer().run();
