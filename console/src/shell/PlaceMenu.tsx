import { Button, Menu } from "@mantine/core";
import { IconBuilding, IconCheck, IconChevronDown, IconEye } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import type { Me } from "../api/account";
import { api, ask } from "../api/client";
import { keys } from "../api/keys";
import { useT } from "../i18n";

/** Where one acts: the own tenant, one below it, or sites that another one shares. Not shown to whom has no choice. */
export function PlaceMenu({ me }: { me: Me }) {
  const t = useT();
  const places = useQuery({ queryKey: keys.places, queryFn: () => ask(api.GET("/api/v1/me/places")), select: (page) => page.items });
  const go = useMutation({
    mutationFn: (place: string) => ask(api.PUT("/api/v1/me/place", { body: { place } })),
    // All that was read belongs to the place before: begin anew.
    onSuccess: () => location.assign("/"),
  });
  const { place } = me.user;
  if ((places.data?.length ?? 0) < 2 && place.id === me.user.tenant) return null;
  const away = place.id !== me.user.tenant;
  return (
    <Menu position="bottom-end" width={260}>
      <Menu.Target>
        <Button
          size="compact-sm" variant={away ? "light" : "subtle"} color={away ? undefined : "gray"} className="place" loading={go.isPending}
          aria-label={t("place.choose", { name: place.name })} leftSection={<IconBuilding size={16} stroke={1.6} />} rightSection={<IconChevronDown size={13} />}
        >
          <span className="cut">{place.name}</span>
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah={420} style={{ overflowY: "auto" }}>
        <Menu.Label>{t("place.where")}</Menu.Label>
        {(places.data ?? []).map((one) => (
          <Menu.Item
            key={one.id} disabled={one.id === place.id} onClick={() => go.mutate(one.id)}
            leftSection={one.shared ? <IconEye size={16} stroke={1.6} /> : <IconBuilding size={16} stroke={1.6} />}
            rightSection={one.id === place.id && <IconCheck size={15} />}
          >
            {one.name}
            <br />
            <span className="soft">{one.id === me.user.tenant ? t("place.own") : one.shared ? t("place.shared") : t.word("tenant_kind", one.kind)}</span>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
