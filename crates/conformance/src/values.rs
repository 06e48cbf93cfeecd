//! Rows about the types of arguments and results: whatever serde can carry arrives to the letter.

use crate::harness::Subject;
use crate::place::Place;
use horsepower::{Executor, Value};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, LinkedList, VecDeque};
use std::ffi::OsString;
use std::fmt::Debug;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU8;
use std::ops::{Bound, Range, RangeInclusive};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Task: what the argument is where the function runs, and the argument.
fn look<T: Value + Debug>(value: T) -> (String, T) {
    (format!("{value:?}"), value)
}

/// Checks that each value reaches the function, and comes back, as it is.
fn arrive<T: Value + Debug>(executor: &Subject, values: impl IntoIterator<Item = T>) {
    for value in values {
        let sent = format!("{value:?}");
        let name = std::any::type_name::<T>();
        let (seen, back) = executor
            .submit(look::<T>, value)
            .result()
            .unwrap_or_else(|error| panic!("{sent} of {name}: {error}"));
        assert_eq!(seen, sent, "the argument, a {name}");
        assert_eq!(format!("{back:?}"), sent, "the result, a {name}");
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    discount: Option<u64>,
    quantity: u64,
    prices: Vec<u64>,
}

fn order() -> Order {
    Order { discount: None, quantity: 0, prices: vec![2, 150, 99] }
}

fn cost(order: Order) -> u64 {
    order.prices.iter().sum::<u64>() * order.quantity - order.discount.unwrap_or(0)
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Pair(u8, String);

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Shape<T> {
    Nothing,
    One(T),
    Two(T, T),
    Named { left: T, right: T },
}

impl<T: Clone> Shape<T> {
    fn all(content: &T) -> [Shape<T>; 4] {
        let content = || content.clone();
        [
            Shape::Nothing,
            Shape::One(content()),
            Shape::Two(content(), content()),
            Shape::Named { left: content(), right: content() },
        ]
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Chosen {
    First,
    #[serde(skip)]
    #[allow(dead_code)]
    Never,
    Second(u8),
    #[serde(rename = "the third", alias = "three")]
    Third,
    #[serde(other)]
    Fourth,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Internal {
    Empty,
    Point { x: f64, y: Option<f64>, from: IpAddr, size: u64 },
    Wrapped(Order),
    Nested(Box<Flat>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "of")]
enum Adjacent {
    Empty,
    One(Option<u8>),
    Two(u8, Shape<i64>),
    Named { text: String, inner: Option<()> },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Real(f64),
    Text(String),
    Many(Vec<Untagged>),
    Named { shape: Shape<u8>, tag: Internal },
    Nothing,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Flat {
    id: u64,
    #[serde(flatten)]
    order: Order,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Skipping {
    first_of_all: u8,
    #[serde(skip)]
    never: u8,
    #[serde(skip_serializing)]
    dropped: Option<u8>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    empty: Vec<u8>,
    #[serde(skip_serializing_if = "str::is_empty", rename = "last")]
    text: String,
}

/// Serialized without a length, as `collect_seq` of a filter.
#[derive(Clone, Debug)]
struct Odd(Vec<u32>);

impl Serialize for Odd {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().filter(|n| **n % 2 == 1))
    }
}

impl<'de> Deserialize<'de> for Odd {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Odd, D::Error> {
        Vec::deserialize(deserializer).map(Odd)
    }
}

/// VA-01: values of the standard library, and what `derive` makes of structs and enums.
pub fn va_01(place: Place) {
    let executor = Subject::new(place, 1);
    let all = |n: u8| Shape::all(&n);
    arrive(&executor, [()]);
    arrive(&executor, [Unit]);
    arrive(&executor, [true, false]);
    arrive(&executor, ['a', '\0', 'ß', '🦀', char::MAX]);
    arrive(&executor, ["", "text", "\0", "日本語"].map(String::from));
    arrive(&executor, [0, 1, 254, 255, 256, 257, 65_536].map(|len| "x".repeat(len)));
    arrive(&executor, [None, Some(())]);
    arrive(&executor, [None, Some(None), Some(Some(7_u8))]);
    arrive(&executor, [None, Some(None), Some(Some(None)), Some(Some(Some(())))]);
    arrive(&executor, [Ok(1_u8), Err("no".to_owned())]);
    arrive(&executor, [Ok::<_, Option<()>>(()), Err(None), Err(Some(()))]);
    arrive(&executor, [Pair(1, "one".into())]);
    arrive(&executor, [(1_u8, 'b', "c".to_owned(), Some(Pair(4, String::new())), [5_u64; 9])]);
    arrive(&executor, [[1.5_f64; 32]]);
    arrive(&executor, [Duration::ZERO, Duration::MAX, Duration::from_nanos(1)]);
    arrive(&executor, [SystemTime::UNIX_EPOCH, SystemTime::now()]);
    arrive(&executor, ["/tmp/ü", "", "relative/x"].map(PathBuf::from));
    arrive(&executor, ["plain", ""].map(OsString::from));
    #[cfg(unix)]
    arrive(
        &executor,
        [<OsString as std::os::unix::ffi::OsStringExt>::from_vec(vec![0xff, b'/', 0x80])],
    );
    arrive(&executor, [IpAddr::from([127, 0, 0, 1]), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
    arrive(&executor, [SocketAddr::from(([10, 0, 0, 1], 80))]);
    arrive(&executor, [Range { start: 3_u64, end: 9 }]);
    arrive(&executor, [RangeInclusive::new('a', 'z')]);
    arrive(&executor, [Bound::Unbounded, Bound::Included(1_u8), Bound::Excluded(2)]);
    arrive(&executor, [NonZeroU8::MAX]);
    arrive(&executor, [vec![1_u8, 2, 3].into_boxed_slice()]);
    arrive(&executor, [Arc::new(order())]);
    arrive(&executor, [Arc::<str>::from("shared")]);
    arrive(&executor, [Cow::<'static, str>::Borrowed("a"), Cow::Owned("b".into())]);
    arrive(&executor, [serde_bytes::ByteBuf::new(), serde_bytes::ByteBuf::from(vec![0, 1, 255])]);
    arrive(&executor, [VecDeque::from([1_u16, 2]), VecDeque::new()]);
    arrive(&executor, [LinkedList::from([(), (), ()])]);
    arrive(&executor, [vec![(); 100]]);
    arrive(&executor, [BTreeSet::from([()]), BTreeSet::new()]);
    arrive(&executor, [HashMap::from([(7_u8, "seven".to_owned())])]);
    arrive(&executor, [BTreeMap::from([((1_u8, true), 'x'), ((2, false), 'y')])]);
    arrive(&executor, [BTreeMap::from([(true, vec![Some(1.5_f32)]), (false, vec![None])])]);
    arrive(&executor, [BTreeMap::from([(Pair(1, "k".into()), Unit)])]);
    arrive(&executor, [vec![vec![vec![1_u8], vec![]], vec![]]]);
    arrive(&executor, [vec![vec![1.5_f64, 2.5], vec![], vec![3.5]]]);
    arrive(&executor, [vec![Some(1_u32), None, Some(2)]]);
    arrive(&executor, all(1));
    arrive(&executor, all(2).map(Some));
    arrive(&executor, all(3).map(|shape| Shape::all(&shape)));
    arrive(&executor, Shape::all(&Some(None::<()>)));
    arrive(&executor, Shape::all(&Shape::One(Shape::Two(1, 2))));
}

/// VA-01: what serde's attributes make of a type, as JSON can carry it.
pub fn va_01_what_json_can_do(place: Place) {
    let executor = Subject::new(place, 1);
    assert_eq!(executor.submit(cost, order()).result().unwrap(), 0);
    let json = serde_json::json!({
        "null": null, "list": [1, -2, 3.5, "x", {"deep": [[], {}]}], "max": u64::MAX, "min": i64::MIN
    });
    let flat = Flat {
        id: 7,
        order: Order { discount: Some(3), ..order() },
        rest: BTreeMap::from([
            ("json".into(), json.clone()),
            ("none".into(), serde_json::Value::Null),
        ]),
    };
    let internal = [
        Internal::Empty,
        Internal::Point { x: -0.0, y: None, from: IpAddr::V6(Ipv6Addr::LOCALHOST), size: 7 },
        Internal::Point { x: 1.5, y: Some(2.5), from: [1, 2, 3, 4].into(), size: u64::MAX },
        Internal::Wrapped(order()),
        Internal::Nested(Box::new(flat.clone())),
    ];
    arrive(&executor, [order(), Order { discount: Some(0), ..order() }]);
    arrive(&executor, [Chosen::First, Chosen::Second(2), Chosen::Third, Chosen::Fourth]);
    arrive(&executor, [Skipping::default(), Skipping { text: "x".into(), ..Skipping::default() }]);
    arrive(&executor, [Skipping { empty: vec![1], first_of_all: 2, ..Skipping::default() }]);
    arrive(&executor, internal.clone());
    arrive(&executor, internal.map(|tag| Untagged::Named { shape: Shape::Two(1, 2), tag }));
    arrive(
        &executor,
        Shape::all(&5)
            .map(Some)
            .map(|shape| shape.map(|shape| Untagged::Named { shape, tag: Internal::Empty })),
    );
    arrive(&executor, [Adjacent::Empty, Adjacent::One(None), Adjacent::One(Some(1))]);
    arrive(&executor, Shape::all(&-1).map(|shape| Adjacent::Two(1, shape)));
    arrive(&executor, [None, Some(())].map(|inner| Adjacent::Named { text: "t".into(), inner }));
    arrive(&executor, [Untagged::Number(-1), Untagged::Real(0.5), Untagged::Nothing]);
    arrive(&executor, [Untagged::Many(vec![Untagged::Text("t".into()), Untagged::Many(vec![])])]);
    arrive(&executor, [flat]);
    arrive(&executor, [None, Some(serde_json::Value::Null), Some(json.clone())]);
    arrive(&executor, [json]);
    arrive(&executor, [serde_json::Number::from(3), serde_json::Number::from_f64(0.1).unwrap()]);
    arrive(&executor, [Odd(vec![1, 3, 5]), Odd(vec![])]);
    let filtered = executor.submit(|odd: Odd| odd.0, Odd(vec![1, 2, 3, 4])).result();
    assert!(matches!(&filtered.unwrap()[..], [1, 3] | [1, 2, 3, 4]), "in line nothing is sent");
}

/// VA-01: numbers, with all their bits.
pub fn va_01_numbers(place: Place) {
    let executor = Subject::new(place, 1);
    arrive(&executor, [u128::MAX, 0, u128::from(u64::MAX) + 1]);
    arrive(&executor, [i128::MIN, -1, i128::MAX]);
    arrive(&executor, [(u8::MAX, u16::MAX, u32::MAX, u64::MAX, usize::MAX)]);
    arrive(&executor, [(i8::MIN, i16::MIN, i32::MIN, i64::MIN, isize::MIN)]);
    arrive(&executor, [f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MIN_POSITIVE, 5e-324, 0.1]);
    arrive(&executor, [f32::MAX, f32::NEG_INFINITY, -0.0, 0.1]);
    // A quiet and a signalling NaN of either sign, with bits that mean nothing.
    for bits in [0x7ff8_0000_0000_1234, 0xfff8_0000_0000_0001_u64] {
        let number = f64::from_bits(bits);
        assert_eq!(executor.submit(f64::to_bits, number).result().unwrap(), bits);
        assert_eq!(executor.submit(f64::from_bits, bits).result().unwrap().to_bits(), bits);
        let inside = executor.submit(|many: Vec<(u8, f64)>| many[0].1, vec![(1, number)]);
        assert_eq!(inside.result().unwrap().to_bits(), bits);
    }
    let small = f32::from_bits(0x7fc0_1234);
    assert_eq!(executor.submit(f32::to_bits, small).result().unwrap(), 0x7fc0_1234);
    // Vectors of every length around those at which their way changes.
    for len in [0, 1, 2, 7, 8, 9, 31, 32, 33, 4095, 4096, 4097] {
        arrive(&executor, [(0..len).map(|n| n as f32).collect::<Vec<_>>()]);
        arrive(
            &executor,
            [(1, (0..len).map(|n| n as i64 - 5).collect::<Vec<_>>(), "end".to_owned())],
        );
        arrive(&executor, [(0..len).map(|n| (n, n as f64)).collect::<Vec<_>>()]);
        arrive(&executor, [(0..len).map(|n| n % 3 == 0).collect::<VecDeque<_>>()]);
    }
}

/// VA-01: a text of 50 MB, and sizes around powers of two.
pub fn va_01_large(place: Place) {
    let executor = Subject::new(place, 1);
    let text = "horsepower".repeat(5_000_000);
    let back = executor.submit(|text: String| text + "!", text.clone()).result().unwrap();
    assert!(back.strip_suffix('!') == Some(&text[..]));
    for power in [6, 8, 12, 15, 16, 20] {
        for len in [(1 << power) - 9, (1 << power) - 1, 1 << power, (1 << power) + 1] {
            let back = executor.submit(|pair: (String, u8)| pair.0, ("y".repeat(len), 1)).result();
            assert_eq!(back.unwrap().len(), len);
        }
    }
}

/// VA-01: items of a map, which share messages.
pub fn va_01_in_a_map(place: Place) {
    fn same<T: Clone + Debug + Value>(executor: &Subject, values: Vec<T>) {
        let sent = format!("{values:?}");
        let back: Result<Vec<T>, _> = executor.map(|value: T| value, values).collect();
        assert_eq!(format!("{:?}", back.unwrap()), sent);
    }
    let executor = Subject::new(place, 2);
    same(&executor, vec![order(); 50]);
    same(&executor, vec![None, Some(()), None]);
    same(&executor, vec![(); 50]);
    same(&executor, (0..50).map(|n| vec![n as f64; n]).collect());
    same(&executor, (0..50).map(|n| serde_json::json!({ "n": n, "none": null })).collect());
}
