import { expect, test } from "vitest";
import type { ReadingView } from "../../api/schema";
import { periodsOf } from "./periods";
import { formatOf, signedIn } from "./signed";

const reading = (minute: number, energy_wh: number | null, power_w: number | null, samples: unknown = []) =>
  ({ sampled_at: new Date(Date.UTC(2026, 2, 1, 12, minute)).toISOString(), energy_wh, export_wh: null, power_w, soc_pct: null, samples }) as ReadingView;

test("power flows, stops, and flows again", () => {
  const found = periodsOf([reading(0, 0, 7000), reading(10, 1000, 7400), reading(20, 1000, 0), reading(30, 1000, 0), reading(40, 1500, 3000)]);
  expect(found.map(({ kind, energyWh, peakW }) => [kind, energyWh, peakW])).toEqual([["charging", 1000, 7400], ["paused", 0, 7400], ["charging", 500, 3000]].map((row, index) => (index === 1 ? ["paused", 0, 7400] : row)));
});

test("a register that fell is no energy", () => {
  expect(periodsOf([reading(0, 500, null), reading(10, 100, null)])).toMatchObject([{ kind: "paused", energyWh: 0 }]);
});

test("signed values are found in every version's form, word for word, each once", () => {
  const old = [{ value: "OCMF|{}|{}", format: "SignedData", context: "Transaction.Begin" }];
  const made = { signedMeterData: btoa("OCMF|{}|{}"), encodingMethod: "OCMF", signingMethod: "ECDSA", publicKey: "KEY" };
  const new_ = [{ value: 5, signedMeterValue: made, context: "Transaction.End" }];
  const found = signedIn([reading(0, 0, 0, old), reading(10, 0, 0, new_), reading(10, 0, 0, [{ timestamp: "t", sampledValue: new_ }])]);
  expect(found.map(({ text, format, key }) => [text, format, key])).toEqual([["OCMF|{}|{}", "OCMF", ""], [btoa("OCMF|{}|{}"), "OCMF (base64)", "KEY"]]);
  expect(formatOf("%%%", "EDL")).toBe("EDL");
});
