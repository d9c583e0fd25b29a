"""Names and values of variables: the standards' table is whole, and validators say why."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecourt.domain.devices import LimitKey, LoneKey, Standard, Wanted, standards
from forecourt.domain.devices.rules import fault, flattened, items, same, unflattened
from forecourt.domain.stations import Variable

# Every configuration key that OCPP 1.6 knows: chapter 9; the security extension, chapter 7, and the
# file transfers' key; the Plug & Charge extension.
CORE: Final = """
    AllowOfflineTxForUnknownId AuthorizationCacheEnabled AuthorizeRemoteTxRequests BlinkRepeat
    ClockAlignedDataInterval ConnectionTimeOut ConnectorPhaseRotation
    ConnectorPhaseRotationMaxLength GetConfigurationMaxKeys HeartbeatInterval LightIntensity
    LocalAuthorizeOffline LocalPreAuthorize MaxEnergyOnInvalidId MeterValuesAlignedData
    MeterValuesAlignedDataMaxLength MeterValuesSampledData MeterValuesSampledDataMaxLength
    MeterValueSampleInterval MinimumStatusDuration NumberOfConnectors ResetRetries
    StopTransactionOnEVSideDisconnect StopTransactionOnInvalidId StopTxnAlignedData
    StopTxnAlignedDataMaxLength StopTxnSampledData StopTxnSampledDataMaxLength
    SupportedFeatureProfiles SupportedFeatureProfilesMaxLength TransactionMessageAttempts
    TransactionMessageRetryInterval UnlockConnectorOnEVSideDisconnect WebSocketPingInterval"""
PROFILES: Final = """
    LocalAuthListEnabled LocalAuthListMaxLength SendLocalListMaxLength
    ReserveConnectorZeroSupported ChargeProfileMaxStackLevel
    ChargingScheduleAllowedChargingRateUnit ChargingScheduleMaxPeriods
    ConnectorSwitch3to1PhaseSupported MaxChargingProfilesInstalled"""
SECURITY: Final = """
    AdditionalRootCertificateCheck AuthorizationKey CertificateSignedMaxChainSize
    CertificateStoreMaxLength CpoName SecurityProfile SupportedFileTransferProtocols"""
PLUG_AND_CHARGE: Final = """
    CentralContractValidationAllowed CertSigningRepeatTimes CertSigningWaitMinimum
    ContractValidationOffline ISO15118PnCEnabled"""
KEYS: Final = tuple((CORE + PROFILES + SECURITY + PLUG_AND_CHARGE).split())


class TestNames:
    def test_every_key_of_the_standard_is_in_the_table_and_no_other(self) -> None:
        book = standards().book
        table = [v.key.name for v in book.variables if v.key is not None]
        table += [key.name for key in book.limits]
        table += [key.name for key in book.lone]
        assert sorted(table) == sorted(KEYS)

    @pytest.mark.parametrize("key", KEYS)
    def test_a_key_leads_to_its_variable_and_back(self, key: str) -> None:
        known = standards().of_key(key.lower())
        match known:
            case Standard():
                back = standards().key_of(known.component.upper(), known.name, known.instance)
                assert back == key
                assert standards().find(known.component, known.name, known.instance) is known
            case LimitKey():
                assert standards().key_of("", key.upper()) == key
                limited = standards().limit_of(key)
                assert limited is not None or isinstance(standards().of_key(known.of_name), LoneKey)
            case LoneKey():
                assert len(known.because.split()) > 3
                assert standards().key_of("", key.upper()) == key
            case None:
                pytest.fail(f"{key} means nothing")

    def test_no_variable_stands_twice_in_the_table(self) -> None:
        names = [(v.component, v.name, v.instance) for v in standards().book.variables]
        assert len(names) == len(set(names))
        assert names == sorted(names, key=lambda n: n[0].casefold())

    def test_values_that_are_written_differently(self) -> None:
        unit = standards().of_key("ChargingScheduleAllowedChargingRateUnit")
        assert isinstance(unit, Standard)
        assert flattened(unit, "A, W") == "Current,Power"
        assert unflattened(unit, "power,Current") == "W,A"
        beat = standards().find("OCPPCommCtrlr", "HeartbeatInterval")
        assert beat is not None
        assert flattened(beat, " 1, 2") == " 1, 2"

    def test_a_wish_by_its_key_is_a_wish_by_its_name(self) -> None:
        by_key = standards().canonical(Wanted(variable="transactionmessageattempts", value="3"))
        by_name = Wanted(
            component="OCPPCommCtrlr",
            variable="MessageAttempts",
            instance="TransactionEvent",
            value="3",
        )
        assert by_key == by_name
        vendors_own = Wanted(variable="VendorsOwn", value="1")
        assert standards().canonical(vendors_own) == vendors_own

    def test_what_the_standards_know_is_added_where_the_station_said_nothing(self) -> None:
        bare = Variable(component="MonitoringCtrlr", variable="OfflineQueuingSeverity", value="1")
        known = standards().characterised(bare)
        assert (known.data_type, known.min_limit, known.max_limit) == ("integer", 0, 9)
        told = Variable(
            component="OCPPCommCtrlr", variable="HeartbeatInterval", value="1", data_type="decimal"
        )
        assert standards().characterised(told) is told

    @pytest.mark.parametrize(
        ("component", "variable", "secret"),
        [
            ("SecurityCtrlr", "BasicAuthPassword", True),
            ("", "authorizationkey", True),
            ("WebPaymentsCtrlr", "SharedSecret", True),
            ("SecurityCtrlr", "Identity", False),
            ("", "VendorsOwn", False),
        ],
    )
    def test_secrets_are_known(self, component: str, variable: str, *, secret: bool) -> None:
        assert standards().is_secret(component, variable) is secret


def variable(data_type: str, **more: object) -> Variable:
    fields = {"component": "C", "variable": "V", "value": None, "data_type": data_type, **more}
    return Variable(**fields)  # type: ignore[arg-type]  # each case has its own fields


class TestFaults:
    @pytest.mark.parametrize(
        ("of", "good", "bad"),
        [
            (variable("integer"), ["0", "-7", "+3", " 12 "], ["", "1.0", "1e3", "٣", "0x1", "1 2"]),
            (variable("integer", min_limit=1.0, max_limit=9.0), ["1", "9"], ["0", "10"]),
            (variable("decimal"), ["0", "-1.50", "8.1"], ["", ".", "1.", "NaN", "1,5", "Infinity"]),
            (variable("decimal", max_limit=8.1), ["8.1", "8.10"], ["8.11"]),
            (variable("boolean"), ["true", "False", " true"], ["1", "yes", ""]),
            (
                variable("dateTime"),
                ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5+02:00"],
                ["2026-01-01T00:00:00", "now", ""],
            ),
            (variable("string", max_limit=3.0), ["", "abc"], ["abcd"]),
            (variable("OptionList", values_list="A, B"), ["A", "b "], ["C", "A,B", ""]),
            (variable("OptionList"), ["anything"], []),
            (
                variable("SequenceList", values_list="a,b,c", elements_max=2),
                ["a", "b, a", "a,a", ""],
                ["d", "a,b,c", "a,,b", "a,"],
            ),
            (variable("MemberList", values_list="a,b"), ["a,b", "b", ""], ["a,a", "A, a", "c"]),
            (variable("", max_limit=1.0), ["anything", ""], []),
            (variable("word of another release"), ["anything"], []),
        ],
    )
    def test_by_type(self, of: Variable, good: list[str], bad: list[str]) -> None:
        assert [value for value in good if fault(of, value) is not None] == []
        assert [value for value in bad if fault(of, value) is None] == []

    def test_it_says_why(self) -> None:
        beat = variable("integer", unit="s", min_limit=10.0)
        assert fault(beat, "9") == "it is at least 10 s"
        assert fault(variable("MemberList", values_list="a,b"), "a,x") == "'x' is none of a, b"
        assert fault(variable(""), "x" * 2501) == "a value has at most 2500 characters"

    @given(st.integers(), st.integers(), st.integers())
    def test_a_number_is_within_its_limits(self, low: int, high: int, value: int) -> None:
        within = 10**6
        low, high, value = low % within, high % within, value % within
        of = variable("integer", min_limit=float(low), max_limit=float(high))
        assert (fault(of, str(value)) is None) == (low <= value <= high)

    @given(st.text(max_size=40), st.sampled_from(["", "a,b", "x"]), st.text(max_size=40))
    def test_nothing_breaks_a_validator(self, data_type: str, values: str, value: str) -> None:
        for kind in (data_type, "integer", "decimal", "dateTime", "MemberList", "OptionList"):
            why = fault(variable(kind, values_list=values, elements_max=3), value)
            assert why is None or why

    @given(st.lists(st.sampled_from("abcdef"), unique=True))
    def test_members_have_no_order_and_sequences_do(self, members: list[str]) -> None:
        forth, back = ",".join(members), " , ".join(reversed(members))
        assert fault(variable("MemberList", values_list="a,b,c,d,e,f"), forth) is None
        assert same("MemberList", forth, back)
        assert same("SequenceList", forth, back) is (len(members) < 2)


class TestSame:
    @pytest.mark.parametrize(
        ("kind", "one", "other", "equal"),
        [
            ("integer", "60", "060", True),
            ("decimal", "8.1", "8.10", True),
            ("decimal", "8.1", "8.11", False),
            ("decimal", "x", "y", False),
            ("boolean", "true", "TRUE", True),
            ("dateTime", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", True),
            ("dateTime", "soon", "later", False),
            ("OptionList", "Low", "low", True),
            ("string", "Ab", "ab", False),
            ("", "SoC, Voltage", "SoC,Voltage", True),
            ("", "True", "true", True),
            ("", "True", "yes", False),
        ],
    )
    def test_by_type(self, kind: str, one: str, other: str, *, equal: bool) -> None:
        assert same(kind, one, other) is equal
        assert same(kind, other, one) is equal

    @given(
        st.text(max_size=30), st.sampled_from(["integer", "MemberList", "dateTime", "", "string"])
    )
    def test_a_value_is_the_same_as_itself(self, value: str, kind: str) -> None:
        assert same(kind, value, value)

    @given(st.text(max_size=30))
    def test_items_have_no_blanks_around_them(self, text: str) -> None:
        assert all(item == item.strip() for item in items(text))
