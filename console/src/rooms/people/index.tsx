import { room } from "../../shell/room";

export const people = room({ entries: [], routes: [] });
