// A CSMS as the npm package `ocpp-rpc` makes one: strict mode (every call and answer is validated
// against the schemas), no storage. Measured beside us; no part of the product.
"use strict";

const { RPCServer, createRPCError } = require("ocpp-rpc");

const password = process.argv[2];
const server = new RPCServer({ protocols: ["ocpp1.6", "ocpp2.0.1"], strictMode: true });
let transactions = 0;

server.auth((accept, reject, handshake) => {
  if (handshake.password && handshake.password.toString("utf8") === password) accept();
  else reject(401, "who are you?");
});

server.on("client", (client) => {
  client.handle("BootNotification", () => ({
    status: "Accepted",
    interval: 3600,
    currentTime: new Date().toISOString(),
  }));
  client.handle("StartTransaction", () => ({
    transactionId: ++transactions,
    idTagInfo: { status: "Accepted" },
  }));
  client.handle("MeterValues", () => ({}));
  client.handle("TransactionEvent", () => ({}));
  client.handle("StopTransaction", () => ({}));
  client.handle(() => {
    throw createRPCError("NotImplemented");
  });
});

server.listen(0, "127.0.0.1").then((http) => {
  console.log(`ready ocpp=ws://127.0.0.1:${http.address().port}/ocpp`);
});
